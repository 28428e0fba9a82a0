-- What jobs of a key used is asked for at each submit: of those that have run, not of thousands that wait.

DROP INDEX job_memory_key;
CREATE INDEX job_memory_key ON job (memory_key, id) WHERE memory_key <> '' AND num_attempts > 0;
