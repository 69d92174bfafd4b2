-- A grant is kept until its last token is over: keep_until, which its code and its refresh tokens move.
ALTER TABLE grants ADD COLUMN used_at INTEGER; -- when tokens were last issued under it
ALTER TABLE grants ADD COLUMN keep_until INTEGER;
UPDATE grants SET keep_until = (SELECT max(expires_at) FROM codes WHERE codes.grant_id = grants.id);
CREATE INDEX grants_by_end ON grants (keep_until);

-- One row for all refresh tokens of a grant: the one that is good, and the one before it.
CREATE TABLE refresh_families (
    id           TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the part that all tokens of the family share
    grant_id     TEXT    NOT NULL UNIQUE REFERENCES grants (id) ON DELETE CASCADE,
    current_hash TEXT    NOT NULL,
    parent_hash  TEXT,
    rotated_at   INTEGER,
    expires_at   INTEGER NOT NULL
);

-- Access tokens that were revoked by themselves, until they are over anyway.
CREATE TABLE revoked_tokens (
    id         TEXT    NOT NULL PRIMARY KEY, -- jti
    expires_at INTEGER NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);
