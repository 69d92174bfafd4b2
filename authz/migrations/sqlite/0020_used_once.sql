-- Identifiers that may be used once only (jti), until the time after which nobody would take them anyway.
CREATE TABLE used_once (
    kind       TEXT    NOT NULL,
    id_hash    TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id_hash)
);
CREATE INDEX used_once_by_expiry ON used_once (expires_at);
