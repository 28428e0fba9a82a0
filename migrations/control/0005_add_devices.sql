-- Jobs with several devices. job.device and attempt.device hold the ids of all, with commas between
-- them: lists of jobs need no other table.

ALTER TABLE job ADD COLUMN num_devices INTEGER NOT NULL DEFAULT 1 CHECK (num_devices >= 1);
-- Of an attempt; 0 = none. Jobs from before this column count as if they had none.
ALTER TABLE job ADD COLUMN time_limit_seconds INTEGER NOT NULL DEFAULT 0;

-- A row for each device of an attempt.
ALTER TABLE device_usage RENAME TO old_device_usage;
CREATE TABLE device_usage (
  job INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  device TEXT NOT NULL,
  started_at_unix_ms INTEGER NOT NULL,
  finished_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (job, attempt, device)
) STRICT, WITHOUT ROWID;
INSERT INTO device_usage
  SELECT job, attempt, owner, device, started_at_unix_ms, finished_at_unix_ms
  FROM old_device_usage;
DROP TABLE old_device_usage;
CREATE INDEX device_usage_finished ON device_usage (finished_at_unix_ms);
