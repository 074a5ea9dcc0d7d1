-- One row a statement that the recorder took, written once, never changed. Ordered so that one actor's latest are together.
-- One projection finds a statement by its id. The other answers two questions, for one costs 2 ms an insert: which ids are
-- voided, and how far each partition has come; it holds a row a voided id and a row a partition.
-- Small granules: a page of a hundred statements otherwise unpacks a hundred times eight thousand.
-- fsync: the Kafka offset is committed after the insert is acknowledged, and the engine syncs nothing by default.
CREATE TABLE IF NOT EXISTS statements
(
    partition UInt16,
    offset UInt64,
    statement_id FixedString(16),
    app LowCardinality(String),
    stored_at DateTime64(3, 'UTC'),
    timestamp_at DateTime64(3, 'UTC'),
    actor_key String,
    verb_id LowCardinality(String),
    activity_id String,
    registration FixedString(16),
    target_id FixedString(16),
    is_voiding Bool,
    digest FixedString(16),
    authority String CODEC(ZSTD(1)),
    version LowCardinality(String),
    raw String CODEC(ZSTD(1)),
    PROJECTION by_id (SELECT _part_offset ORDER BY statement_id),
    PROJECTION voids_and_high_waters
    (
        SELECT is_voiding, target_id, partition, max(offset), count() GROUP BY is_voiding, target_id, partition
    )
)
ENGINE = MergeTree
ORDER BY (actor_key, stored_at)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;
