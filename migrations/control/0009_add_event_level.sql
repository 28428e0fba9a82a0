-- How much an event matters: 1 = information, 2 = to be looked at, which stood before the message.

ALTER TABLE job_event ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
UPDATE job_event SET level = 2, message = substr(message, length('warning: ') + 1)
  WHERE actor = 'worker' AND from_state = to_state AND message LIKE 'warning: %';
