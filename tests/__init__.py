"""Every test of Ayumi. Packages, so that helpers are shared and module names may repeat."""
