-- One row a published activity. No column names a person; the pseudonym is 16 bytes of an HMAC.
CREATE TABLE IF NOT EXISTS activities
(
    partition UInt16,
    offset UInt64,
    app LowCardinality(String),
    stored_at DateTime64(3, 'UTC'),
    statement_key FixedString(16),
    pseudonym FixedString(16),
    registration_key FixedString(16),
    key_epoch UInt16,
    occurred_at DateTime64(0, 'UTC'),
    verb LowCardinality(String),
    role LowCardinality(String),
    activity_key FixedString(16),
    activity_id String,
    curriculum_code LowCardinality(String),
    subject LowCardinality(String),
    grade UInt8,
    school_code LowCardinality(String),
    score_scaled Nullable(Float64),
    success Nullable(Bool),
    completion Nullable(Bool),
    duration_seconds Nullable(Float64),
    PROJECTION high_waters (SELECT partition, max(offset), max(stored_at), count() GROUP BY partition)
)
ENGINE = MergeTree
ORDER BY (toDate(occurred_at, 'Asia/Tokyo'), curriculum_code, pseudonym)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
