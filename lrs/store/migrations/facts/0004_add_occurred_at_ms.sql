-- Activities are inserted as the Avro data in which they came, whose times are in milliseconds: the engine cuts them.
ALTER TABLE activities ADD COLUMN IF NOT EXISTS occurred_at_ms Int64 EPHEMERAL;
ALTER TABLE activities MODIFY COLUMN occurred_at DateTime64(0, 'UTC')
    DEFAULT toDateTime64(intDiv(occurred_at_ms, 1000), 0, 'UTC');
