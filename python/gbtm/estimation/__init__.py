"""Finding the best optimum and its covariance; no family is known by name here."""
