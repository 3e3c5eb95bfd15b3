"""The density of a person's observations given the group, by outcome, in torch."""
