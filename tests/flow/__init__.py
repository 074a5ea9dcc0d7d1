"""A whole zone over HTTP and the command line."""
