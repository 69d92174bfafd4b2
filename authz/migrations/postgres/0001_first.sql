-- Times are whole seconds since 1970. Secrets are kept as SHA-256 in base64url, passwords as Argon2id.

CREATE TABLE clients (
    id               TEXT    NOT NULL PRIMARY KEY,
    name             TEXT,
    uri              TEXT,
    secret_hash      TEXT,
    methods          TEXT    NOT NULL, -- separated by a space
    redirect_uris    TEXT    NOT NULL, -- separated by a space
    grant_types      TEXT    NOT NULL, -- separated by a space
    scope            TEXT    NOT NULL,
    application_type TEXT    NOT NULL,
    introspects      TEXT,
    origin           TEXT    NOT NULL,
    registered_at    BIGINT  NOT NULL
);

CREATE TABLE people (
    subject  TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    origin   TEXT NOT NULL
);

CREATE TABLE sessions (
    hash             TEXT    NOT NULL PRIMARY KEY,
    subject          TEXT    REFERENCES people (subject) ON DELETE CASCADE,
    authenticated_at BIGINT,
    expires_at       BIGINT  NOT NULL
);
CREATE INDEX sessions_by_subject ON sessions (subject);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE pending_authorizations (
    hash         TEXT    NOT NULL PRIMARY KEY,
    session_hash TEXT    NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
    client_id    TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    redirect_uri TEXT    NOT NULL,
    scope        TEXT    NOT NULL,
    state        TEXT,
    challenge    TEXT    NOT NULL,
    resource     TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX pending_authorizations_by_session ON pending_authorizations (session_hash);
CREATE INDEX pending_authorizations_by_client ON pending_authorizations (client_id);
CREATE INDEX pending_authorizations_by_expiry ON pending_authorizations (expires_at);

CREATE TABLE grants (
    id         TEXT    NOT NULL PRIMARY KEY,
    subject    TEXT    NOT NULL REFERENCES people (subject) ON DELETE CASCADE,
    client_id  TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      TEXT    NOT NULL,
    resource   TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_subject ON grants (subject);
CREATE INDEX grants_by_client ON grants (client_id);

CREATE TABLE codes (
    hash         TEXT    NOT NULL PRIMARY KEY,
    grant_id     TEXT    NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT    NOT NULL,
    challenge    TEXT    NOT NULL,
    expires_at   BIGINT  NOT NULL,
    redeemed_at  BIGINT
);
CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expiry ON codes (expires_at);
