"""Fits of a model on data drawn again: bootstrap, likelihood-ratio tests, cross-validation, imputed data."""
