"""The contract in `avro/`."""
