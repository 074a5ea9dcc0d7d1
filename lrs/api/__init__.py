"""The HTTP interfaces: the xAPI gateway and the board. Parse, authorise, act, answer."""
