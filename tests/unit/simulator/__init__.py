"""Facts about the drill simulator."""
