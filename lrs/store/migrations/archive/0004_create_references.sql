-- One row a statement whose object is a StatementRef, voiding ones too, written before the statement itself: who refers to
-- whom, asked from either end. A row may be there twice after a crash; readers do not mind.
DROP TABLE IF EXISTS statement_references;
CREATE TABLE statement_references
(
    target_id FixedString(16),
    statement_id FixedString(16),
    app LowCardinality(String),
    authority_key FixedString(8),
    stored_at DateTime64(3, 'UTC'),
    partition UInt16,
    offset UInt64,
    is_voiding Bool,
    PROJECTION by_time
    (
        SELECT stored_at, partition, offset, statement_id, target_id, app, authority_key, is_voiding ORDER BY stored_at, partition, offset
    )
)
ENGINE = MergeTree
ORDER BY (target_id, stored_at)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;
INSERT INTO statement_references
WITH
    arrayStringConcat(arraySlice(splitByChar(',', head), 7), ',') AS app_and_authority,
    substring(app_and_authority, length(app) + 1) AS authority
SELECT
    target_id, statement_id, app, toFixedString(concat('u', substring(SHA256(authority), 1, 7)), 8), stored_at, partition,
    offset, is_voiding
FROM statements
WHERE target_id != toFixedString('', 16);
