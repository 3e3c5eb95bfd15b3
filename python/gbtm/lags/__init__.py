"""Earlier outcomes among the covariates: what ``lag("y")`` asks for, its columns, and how they are made anew."""
