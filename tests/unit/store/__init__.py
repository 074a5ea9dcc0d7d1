"""Of `lrs.store`, what needs no engine."""
