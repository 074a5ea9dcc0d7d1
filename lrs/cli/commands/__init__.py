"""The commands, one module a group. Each has `register(app)`; nothing heavy is imported before a command runs."""
