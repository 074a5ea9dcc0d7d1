"""Unit tests of the operator's page."""
