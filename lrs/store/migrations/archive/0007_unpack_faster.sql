-- Whoever reads one statement unpacks half a granule of them, and a page of a hundred does so up to a hundred times: LZ4 takes a
-- fraction of ZSTD's time, for a quarter more disk (docs/decisions/0018-statements-in-lz4.md). Parts keep what they have until
-- they are merged.
ALTER TABLE statements MODIFY COLUMN raw String CODEC(LZ4);
