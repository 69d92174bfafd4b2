-- What the client said about pages; the decision, which is kept for a form that is posted twice.
ALTER TABLE pending_authorizations ADD COLUMN must_sign_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pending_authorizations ADD COLUMN must_ask BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pending_authorizations ADD COLUMN login_hint TEXT;
ALTER TABLE pending_authorizations ADD COLUMN verdict TEXT;

-- What a person allowed to a client before, where the page need not be shown again.
CREATE TABLE consents (
    subject   TEXT    NOT NULL REFERENCES people (subject) ON DELETE CASCADE,
    client_id TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    resource  TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    given_at  BIGINT  NOT NULL,
    PRIMARY KEY (subject, client_id, resource)
);
CREATE INDEX consents_by_client ON consents (client_id);
