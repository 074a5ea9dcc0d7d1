-- What became of the records of each hop. Rows of one key fold into one when parts merge, so the table stays small.
CREATE TABLE IF NOT EXISTS tallies
(
    hop LowCardinality(String),
    operator LowCardinality(String),
    partition UInt16,
    hour DateTime64(0, 'UTC'),
    app LowCardinality(String),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    first_offset SimpleAggregateFunction(min, UInt64),
    last_offset SimpleAggregateFunction(max, UInt64),
    count SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (hop, operator, partition, hour, app, outcome, reason)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
