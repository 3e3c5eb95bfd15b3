"""How many groups, which shapes: many fits, one table."""
