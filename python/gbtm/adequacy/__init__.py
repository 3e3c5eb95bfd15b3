"""Is the fitted model adequate? Classification, residuals, correlation that is left."""
