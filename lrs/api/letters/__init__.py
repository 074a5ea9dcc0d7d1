"""Dead letters over HTTP: the operator's view of all, each vendor's of its own, and the replay."""
