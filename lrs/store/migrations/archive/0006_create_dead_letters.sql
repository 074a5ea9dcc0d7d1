-- One row a record that was refused, written once. `partition` and `offset` are those of the topic that `source` names.
-- Ordered by the time of refusal, for which the newest are asked; kept from then on, because `stored_at` is what a sender says.
-- The days kept are set anew from AYUMI_LETTERS__KEEP_DAYS at every start.
CREATE TABLE IF NOT EXISTS dead_letters
(
    source LowCardinality(String),
    partition UInt16,
    offset UInt64,
    statement_id FixedString(16),
    app LowCardinality(String),
    stored_at DateTime64(3, 'UTC'),
    refused_at DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    path String CODEC(ZSTD(1)),
    rule String CODEC(ZSTD(1)),
    original_bytes UInt32,
    original String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (refused_at, partition, offset)
TTL toDateTime(refused_at) + toIntervalDay(30)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, merge_with_ttl_timeout = 3600;
-- Which letters need no replay any more, because they were put on the log anew, or are there already. A row may be there twice.
CREATE TABLE IF NOT EXISTS dead_letter_replays
(
    partition UInt16,
    offset UInt64,
    refused_at DateTime64(3, 'UTC'),
    replayed_at DateTime64(3, 'UTC'),
    outcome LowCardinality(String)
)
ENGINE = ReplacingMergeTree(replayed_at)
ORDER BY (partition, offset)
TTL toDateTime(refused_at) + toIntervalDay(30)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, merge_with_ttl_timeout = 3600;
