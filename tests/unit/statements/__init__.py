"""The xAPI statement data model."""
