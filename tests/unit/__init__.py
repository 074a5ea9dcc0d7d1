"""Tests without sockets, one folder a room."""
