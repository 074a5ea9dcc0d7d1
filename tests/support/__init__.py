"""What tests share: a real broker, waiting for conditions."""
