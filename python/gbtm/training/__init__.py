"""Fitting by mini-batches of people: any torch optimiser, or EM whose statistics are updated batch by batch."""
