"""From times and covariates to design columns."""
