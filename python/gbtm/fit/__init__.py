"""The fit document, and reading it; all but fitting and scoring needs numpy and pandas only."""
