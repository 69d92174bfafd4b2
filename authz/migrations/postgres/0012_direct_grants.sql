-- Grants that no person of this server gave: to a client for itself, or on the word of a trusted issuer. One that lives
-- for each client, subject and resource; it is used again for every token.
CREATE TABLE direct_grants (
    id               TEXT    NOT NULL PRIMARY KEY,
    subject          TEXT    NOT NULL,
    client_id        TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope            TEXT    NOT NULL, -- of the first token
    resource         TEXT    NOT NULL,
    created_at       BIGINT  NOT NULL,
    authenticated_at BIGINT,
    acr              TEXT,
    revoked_at       BIGINT
);
CREATE UNIQUE INDEX direct_grants_alive ON direct_grants (client_id, subject, resource) WHERE revoked_at IS NULL;
