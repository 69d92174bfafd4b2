-- What a device asks for until a person decides in a browser of their own (RFC 8628).
CREATE TABLE device_authorizations (
    hash           TEXT    NOT NULL PRIMARY KEY, -- of the device code
    user_code_hash TEXT    NOT NULL UNIQUE,
    client_id      TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope          TEXT    NOT NULL,
    resource       TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    pause          INTEGER NOT NULL, -- seconds between two polls
    polled_at      INTEGER,
    denied_at      INTEGER,
    grant_id       TEXT    REFERENCES grants (id) ON DELETE CASCADE, -- once it is approved
    redeemed_at    INTEGER
);
CREATE INDEX device_authorizations_by_client ON device_authorizations (client_id);
CREATE INDEX device_authorizations_by_grant ON device_authorizations (grant_id);
CREATE INDEX device_authorizations_by_expiry ON device_authorizations (expires_at);
