"""Of the letters, what needs no store and no socket."""
