"""Pure parts of the stream steps."""
