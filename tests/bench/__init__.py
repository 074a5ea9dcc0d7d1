"""Benchmarks: programs that print ratios against a peer or a limit measured in the same run. They assert no time."""
