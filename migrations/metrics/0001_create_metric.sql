-- Series, and what lists need of them so that no list ever reads a series. `job` is control.db's.

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- One point for each epoch of a series; an epoch that is trained again replaces its point.
-- `sequence` counts the writes of a job, for readers that follow. A value that is not a number is
-- NULL, here and in metric_summary.latest.
CREATE TABLE metric_point (
  job INTEGER NOT NULL,
  series INTEGER NOT NULL REFERENCES series (id),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  value REAL,
  at_unix_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (job, series, epoch)
) STRICT, WITHOUT ROWID;

CREATE INDEX metric_point_sequence ON metric_point (job, sequence);

-- The newest value of each series, and its value in the best epoch (NULL = not known).
CREATE TABLE metric_summary (
  job INTEGER NOT NULL,
  series INTEGER NOT NULL REFERENCES series (id),
  latest REAL,
  best REAL,
  PRIMARY KEY (job, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_progress (
  job INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL DEFAULT 0,
  num_epochs INTEGER NOT NULL DEFAULT 0,
  step INTEGER NOT NULL DEFAULT 0,
  steps_per_epoch INTEGER NOT NULL DEFAULT 0,
  images_per_second REAL NOT NULL DEFAULT 0,
  eta_unix_ms INTEGER NOT NULL DEFAULT 0,
  phase TEXT NOT NULL DEFAULT '',
  next_sequence INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE journal_mark (
  job INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  journal_offset INTEGER NOT NULL,
  journal_sequence INTEGER NOT NULL,
  PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;
