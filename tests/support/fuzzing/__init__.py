"""Generated bad requests: made from good ones by a seeded generator, sent as raw bytes, judged by the description."""
