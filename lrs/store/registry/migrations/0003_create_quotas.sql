-- How many statements an app may send: one row an app, whichever of its credentials it uses. No row: as the settings say.
CREATE TABLE quotas (
    app TEXT PRIMARY KEY,
    statements_per_second DOUBLE PRECISION NOT NULL,
    burst BIGINT NOT NULL
);
