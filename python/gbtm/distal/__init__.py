"""Distal outcomes and membership covariates after the fit: how they are asked for, and what the user holds of them."""
