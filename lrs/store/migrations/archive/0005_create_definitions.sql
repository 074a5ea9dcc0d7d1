-- The distinct definitions that apps sent of each activity; merged when one is asked for. `learnt_at` decides which is newer.
CREATE TABLE IF NOT EXISTS activity_definitions
(
    activity_id String,
    app LowCardinality(String),
    digest FixedString(16),
    learnt_at DateTime64(3, 'UTC'),
    definition String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (activity_id, app, digest)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;
