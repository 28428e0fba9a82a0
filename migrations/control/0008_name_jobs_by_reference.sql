-- In sentences, "job N" stands between two unit separators, so that a reader who may not know of that job can be told something else. Of the plain ones that older versions stored, those on
-- pre-emption are made over; why a job waits is said anew by the first pass of the scheduler.

UPDATE job SET message = replace(replace(message, 'makes room for job ', 'makes room for ' || char(31) || 'job '), ', of higher priority', char(31) || ', of higher priority')
  WHERE message LIKE '%makes room for job %, of higher priority%';
UPDATE attempt SET message = replace(replace(message, 'makes room for job ', 'makes room for ' || char(31) || 'job '), ', of higher priority', char(31) || ', of higher priority')
  WHERE message LIKE '%makes room for job %, of higher priority%';
UPDATE job_event SET message = replace(replace(message, 'makes room for job ', 'makes room for ' || char(31) || 'job '), ', of higher priority', char(31) || ', of higher priority')
  WHERE message LIKE '%makes room for job %, of higher priority%';
UPDATE job SET message = '' WHERE state = 1 AND (message LIKE 'waits %' OR message LIKE 'blocked: %');
