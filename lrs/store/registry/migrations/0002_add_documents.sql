-- The documents of xAPI: state, activity profiles, agent profiles. Of an app, and no other app's unless its scope says so.
-- Activity ids, agents and document ids may be longer than an index entry of PostgreSQL can be, and a document id may hold
-- any character: so the key is made of SHA-256 hashes, and the texts are kept as UTF-8 bytes.
-- `context` is the hash of kind, activity and agent; `name` that of registration and document id.
CREATE TABLE documents (
    context BYTEA NOT NULL,
    name BYTEA NOT NULL,
    app TEXT NOT NULL,
    kind TEXT NOT NULL,
    activity_id BYTEA NOT NULL,
    agent_key BYTEA NOT NULL,
    registration BYTEA NOT NULL,
    document_id BYTEA NOT NULL,
    etag TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (context, name, app)
);
