-- Since when a job's worker, which is alive, has told nothing; 0 = it is not so.

ALTER TABLE job ADD COLUMN stalled_since_unix_ms INTEGER NOT NULL DEFAULT 0;
