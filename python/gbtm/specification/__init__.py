"""What was asked for: the options of a model, read and checked; no data and no torch."""
