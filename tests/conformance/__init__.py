"""The xAPI standard, requirement by requirement, against a real zone; the public suite; public client libraries."""
