-- Resource servers that tokens can be for, beside those of the settings.
CREATE TABLE resources (
    id      TEXT NOT NULL PRIMARY KEY,
    name    TEXT,
    scopes  TEXT NOT NULL, -- separated by a space
    implied TEXT NOT NULL  -- a broad and a narrow scope a line
);
