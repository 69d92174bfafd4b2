-- Who denied what a device asked for: a form that is posted twice is answered with the same outcome.
ALTER TABLE device_authorizations ADD COLUMN denied_by TEXT;
