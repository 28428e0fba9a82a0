-- Whether a data set's bad files are left out, or fail its scan. Those of older data sets were left
-- out.

ALTER TABLE dataset ADD COLUMN skips_bad_files INTEGER NOT NULL DEFAULT 1;
