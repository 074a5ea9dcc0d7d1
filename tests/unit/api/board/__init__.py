"""Of the board, what needs no store and no socket."""
