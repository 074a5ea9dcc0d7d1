"""Documentation that cannot rot: the reference is generated, and a test compares it with what is committed."""
