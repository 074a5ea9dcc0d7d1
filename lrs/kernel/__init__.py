"""What every room may import: the statement model, the contract, errors, settings, metric names. No I/O of its own."""
