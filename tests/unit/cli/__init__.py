"""The command line room."""
