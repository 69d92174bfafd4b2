-- How and when the person behind a grant proved who they are (auth_time and acr in tokens); the nonce of OpenID Connect.
ALTER TABLE pending_authorizations ADD COLUMN nonce TEXT;
ALTER TABLE codes ADD COLUMN nonce TEXT;
ALTER TABLE grants ADD COLUMN authenticated_at INTEGER;
ALTER TABLE grants ADD COLUMN acr TEXT;
