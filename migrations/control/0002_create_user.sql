-- Who may do what: users, the hashes of their tokens, and what was done or refused.

CREATE TABLE user (
  name TEXT PRIMARY KEY,
  role INTEGER NOT NULL CHECK (role IN (1, 2)),
  created_at_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A token itself is never stored.
CREATE TABLE token (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
  sha256 TEXT NOT NULL UNIQUE,
  created_at_unix_ms INTEGER NOT NULL,
  expires_at_unix_ms INTEGER NOT NULL,            -- 0 = never
  revoked_at_unix_ms INTEGER NOT NULL DEFAULT 0   -- 0 = it was not
) STRICT;

CREATE INDEX token_user ON token (user);

-- No reference to user: what somebody did stays when the user is removed.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_unix_ms INTEGER NOT NULL,
  user TEXT NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  outcome TEXT NOT NULL,
  message TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (at_unix_ms);
