-- The public keys of clients that prove who they are by private_key_jwt: the JWK Set, or where it is.
ALTER TABLE clients ADD COLUMN jwks TEXT;
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
