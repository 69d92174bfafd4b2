-- Whether a client may do anything, the secret by which it manages its own registration (RFC 7592), and since when
-- nobody has let it in; the secrets that allow to register (RFC 7591 §1.2).
ALTER TABLE clients ADD COLUMN standing TEXT NOT NULL DEFAULT 'active';
ALTER TABLE clients ADD COLUMN registration_access TEXT;
ALTER TABLE clients ADD COLUMN last_used_at BIGINT;
CREATE INDEX clients_by_origin ON clients (origin, registered_at);

CREATE TABLE initial_access_tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    hash       TEXT    NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX initial_access_tokens_by_expiry ON initial_access_tokens (expires_at);
