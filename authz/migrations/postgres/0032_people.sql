-- What people are called, how to write to them, and whether they may sign in.
ALTER TABLE people ADD COLUMN name TEXT;
ALTER TABLE people ADD COLUMN email TEXT;
ALTER TABLE people ADD COLUMN disabled_at BIGINT;
