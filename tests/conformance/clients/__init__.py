"""Public client libraries, unmodified, against a real zone. Each runs in an environment of its own: see `install`."""
