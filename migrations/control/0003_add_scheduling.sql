-- Fair share, shares of GPUs, groups of jobs, dependencies of any kind, retry budgets by cause.

ALTER TABLE job ADD COLUMN queued_at_unix_ms INTEGER NOT NULL DEFAULT 0;
UPDATE job SET queued_at_unix_ms = created_at_unix_ms;
ALTER TABLE job ADD COLUMN gpu_memory_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN max_parallel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN max_device_errors INTEGER NOT NULL DEFAULT 1;
ALTER TABLE job ADD COLUMN max_preemptions INTEGER NOT NULL DEFAULT 10;
ALTER TABLE job ADD COLUMN num_device_errors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN num_preemptions INTEGER NOT NULL DEFAULT 0;
-- The same for jobs that need as much GPU memory.
ALTER TABLE job ADD COLUMN memory_key TEXT NOT NULL DEFAULT '';

CREATE INDEX job_group ON job (group_name, id) WHERE group_name <> '';
CREATE INDEX job_memory_key ON job (memory_key, id) WHERE memory_key <> '';

-- 0: its checkpoint is used; else distill.v1.AfterCondition.
ALTER TABLE job_dependency ADD COLUMN condition INTEGER NOT NULL DEFAULT 0;

-- Who held which device when. Outlives the jobs: deleting one must not better its owner's standing.
CREATE TABLE device_usage (
  job INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  device TEXT NOT NULL,
  started_at_unix_ms INTEGER NOT NULL,
  finished_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_usage_finished ON device_usage (finished_at_unix_ms);

INSERT INTO device_usage
  SELECT attempt.job, number, owner, attempt.device, attempt.started_at_unix_ms,
         attempt.finished_at_unix_ms
  FROM attempt JOIN job ON job.id = attempt.job WHERE attempt.finished_at_unix_ms > 0;
