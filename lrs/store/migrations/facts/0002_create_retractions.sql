-- What voiding statements asked for: the key of the activity to take out. It may come before its target, or never meet one.
CREATE TABLE IF NOT EXISTS retractions
(
    partition UInt16,
    offset UInt64,
    app LowCardinality(String),
    stored_at DateTime64(3, 'UTC'),
    statement_key FixedString(16)
)
ENGINE = MergeTree
ORDER BY statement_key
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What was taken out: coordinates only, so that loaded = present + retracted can be shown. Two loaders may take out the same
-- row at once, which the engine folds.
CREATE TABLE IF NOT EXISTS retracted
(
    partition UInt16,
    offset UInt64,
    app LowCardinality(String),
    stored_at DateTime64(3, 'UTC'),
    statement_key FixedString(16)
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
