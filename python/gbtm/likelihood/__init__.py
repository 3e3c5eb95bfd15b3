"""The log-likelihood of the mixture and its derivatives, in torch."""
