"""Fits to data that stay on disk: block by block, from checkpoint to posteriors."""
