"""The real engine with its real migrations, embedded and behind HTTP."""
