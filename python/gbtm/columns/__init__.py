"""How columns of a table are read: by their names, by a formula, with codes for missing values."""
