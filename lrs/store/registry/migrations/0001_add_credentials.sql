-- Who may send: one row per key. An app may hold several keys, so that a secret is replaced without a gap.
CREATE TABLE credentials (
    key TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);

-- Counts changes of the table above; a reader that sees the same number need not read the table again.
CREATE TABLE credential_generations (
    id INTEGER PRIMARY KEY,
    generation BIGINT NOT NULL
);

INSERT INTO credential_generations (id, generation) VALUES (1, 0);
