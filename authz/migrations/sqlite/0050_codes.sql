-- A code is the beginning of its grant: in one row with it, so that giving a code and redeeming it write one row each.
ALTER TABLE grants ADD COLUMN code_hash TEXT;
ALTER TABLE grants ADD COLUMN redirect_uri TEXT;
ALTER TABLE grants ADD COLUMN challenge TEXT;
ALTER TABLE grants ADD COLUMN nonce TEXT;
ALTER TABLE grants ADD COLUMN code_expires_at INTEGER;
ALTER TABLE grants ADD COLUMN redeemed_at INTEGER;
UPDATE grants SET (code_hash, redirect_uri, challenge, nonce, code_expires_at, redeemed_at) =
    (SELECT codes.hash, codes.redirect_uri, codes.challenge, codes.nonce, codes.expires_at, codes.redeemed_at
     FROM codes WHERE codes.grant_id = grants.id);
CREATE UNIQUE INDEX grants_by_code ON grants (code_hash) WHERE code_hash IS NOT NULL;
DROP TABLE codes;
