"""The next waves foretold: predictive distributions, how good they are, and what simpler and larger models foretell."""
