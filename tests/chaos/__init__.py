"""Chaos: a zone under load while its processes, connections, disks and clock fail, drawn from a seed."""
