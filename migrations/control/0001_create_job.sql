-- Jobs, what happened to them, and data sets. Enumerations hold the numbers of distill.v1.

CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
  given_spec BLOB NOT NULL,
  resolved_spec BLOB NOT NULL,
  priority INTEGER NOT NULL,
  requested_device TEXT NOT NULL,
  max_interruptions INTEGER NOT NULL CHECK (max_interruptions >= 0),
  num_epochs INTEGER NOT NULL,
  dataset TEXT NOT NULL,
  model TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
  cause INTEGER NOT NULL,
  message TEXT NOT NULL,
  actor TEXT NOT NULL,
  device TEXT NOT NULL DEFAULT '',
  created_at_unix_ms INTEGER NOT NULL,
  started_at_unix_ms INTEGER NOT NULL DEFAULT 0,
  finished_at_unix_ms INTEGER NOT NULL DEFAULT 0,
  num_attempts INTEGER NOT NULL DEFAULT 0,
  num_interruptions INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX job_active ON job (state) WHERE state < 8;
CREATE INDEX job_owner ON job (owner, id);

CREATE TABLE job_label (
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;

-- `needs` may name a job that was deleted since: the dependent then says so.
CREATE TABLE job_dependency (
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  needs INTEGER NOT NULL,
  PRIMARY KEY (job, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_dependency_needs ON job_dependency (needs);

CREATE TABLE attempt (
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 1),
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
  cause INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  device TEXT NOT NULL,
  started_at_unix_ms INTEGER NOT NULL,
  finished_at_unix_ms INTEGER NOT NULL DEFAULT 0,
  pid INTEGER NOT NULL DEFAULT 0,
  pid_start_ticks INTEGER NOT NULL DEFAULT 0,
  resumed_from_epoch INTEGER NOT NULL DEFAULT 0,
  -- How far the journal is stored here; metrics.db has its own mark.
  journal_offset INTEGER NOT NULL DEFAULT 0,
  journal_sequence INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  at_unix_ms INTEGER NOT NULL,
  from_state INTEGER,
  to_state INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  actor TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX job_event_job ON job_event (job, id);

CREATE TABLE request (
  id TEXT PRIMARY KEY,
  content_sha256 TEXT NOT NULL,
  created_at_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE request_job (
  request TEXT NOT NULL REFERENCES request (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  created_at_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (job, attempt, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  eval_job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  model_job INTEGER NOT NULL,
  split INTEGER NOT NULL,
  tta INTEGER NOT NULL CHECK (tta IN (0, 1)),
  finished_at_unix_ms INTEGER NOT NULL,
  payload BLOB NOT NULL
) STRICT;

CREATE INDEX evaluation_eval_job ON evaluation (eval_job);
CREATE INDEX evaluation_model_job ON evaluation (model_job);

CREATE TABLE dataset (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  path TEXT NOT NULL,
  val_fraction REAL NOT NULL,
  test_fraction REAL NOT NULL,
  seed INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
  message TEXT NOT NULL,
  created_at_unix_ms INTEGER NOT NULL,
  files_scanned INTEGER NOT NULL,
  files_total INTEGER NOT NULL,
  report BLOB NOT NULL
) STRICT;
