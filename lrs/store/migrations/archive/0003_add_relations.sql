-- Statements anew, so that every filter of the interface has an index. `relations` holds a key for each agent, verb, activity
-- and registration that a statement is about (lrs/kernel/statements/relations.py); rows from before get those that their columns
-- tell: actor, verb, object and registration.
-- by_key finds statements by their keys. by_time reads them in the order of a list, keys included, without unpacking any; the
-- engine takes it where it has fewer granules than the table, hence its larger ones. by_moment leaves out what is too old.
-- Granules of 512 are a compromise: a page of a hundred statements that lie apart unpacks half a granule for each, and a look-up
-- by id walks over all of them. Small blocks spare it the neighbours' small columns.
-- `head` has in one piece what a reader needs besides the statement (lrs/store/heads.py), authority and version too: a look-up
-- by id takes 0.2 ms longer for each column.
-- Safe to run again at any point: the copy is made whole, then takes the name, then what had the name is dropped.
ALTER TABLE statements
    ADD COLUMN IF NOT EXISTS relations Array(FixedString(8)), ADD COLUMN IF NOT EXISTS head String,
    ADD COLUMN IF NOT EXISTS authority String, ADD COLUMN IF NOT EXISTS version LowCardinality(String);
DROP TABLE IF EXISTS statements_copied SETTINGS max_table_size_to_drop = 0;
CREATE TABLE statements_copied
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
    head String CODEC(ZSTD(1)),
    raw String CODEC(ZSTD(1)),
    relations Array(FixedString(8)),
    INDEX by_key relations TYPE text(tokenizer = 'array'),
    INDEX by_moment stored_at TYPE minmax GRANULARITY 4,
    PROJECTION by_id (SELECT _part_offset ORDER BY statement_id) WITH SETTINGS (index_granularity = 64),
    PROJECTION by_time
    (
        SELECT stored_at, partition, offset, statement_id, app, is_voiding, relations ORDER BY stored_at, partition, offset
    )
    WITH SETTINGS (index_granularity = 2048),
    PROJECTION high_waters (SELECT partition, max(offset), count() GROUP BY partition)
)
ENGINE = MergeTree
ORDER BY (actor_key, stored_at)
SETTINGS index_granularity = 512, min_compress_block_size = 8192, fsync_after_insert = 1, fsync_part_directory = 1;
INSERT INTO statements_copied
SELECT
    partition, offset, statement_id, app, stored_at, timestamp_at, actor_key, verb_id, activity_id, registration,
    target_id, is_voiding, digest,
    if(
        notEmpty(head),
        head,
        concat(
            toString(toUnixTimestamp64Milli(stored_at)), ',', toString(partition), ',', toString(offset), ',',
            toString(toUInt8(is_voiding)), ',', version, ',', toString(length(app)), ',', app, authority
        )
    ),
    raw,
    if(
        notEmpty(relations),
        relations,
        arrayMap(
            (kind, value) -> toFixedString(concat(kind, substring(SHA256(value), 1, 7)), 8),
            arrayConcat(
                ['v'],
                if(actor_key = '', [], ['a']),
                if(activity_id = '', [], ['o']),
                if(registration = toFixedString('', 16), [], ['r'])
            ),
            arrayConcat(
                [toString(verb_id)],
                if(actor_key = '', [], [actor_key]),
                if(activity_id = '', [], [activity_id]),
                if(registration = toFixedString('', 16), [], [concat(registration, '')])
            )
        )
    )
FROM statements
SETTINGS max_insert_block_size = 65536, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864, max_threads = 1;
EXCHANGE TABLES statements AND statements_copied;
DROP TABLE IF EXISTS statements_copied SETTINGS max_table_size_to_drop = 0;
