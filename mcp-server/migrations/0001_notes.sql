-- Whose a row is: the issuer and the subject of a verified token, together. Times are seconds since 1970.
-- One schema for SQLite and PostgreSQL.

CREATE TABLE notes (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX notes_by_person ON notes (issuer, subject, created_at);

CREATE TABLE usage_by_day (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- In UTC, as in 2026-07-28.
    day TEXT NOT NULL,
    requests BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject, day)
);
