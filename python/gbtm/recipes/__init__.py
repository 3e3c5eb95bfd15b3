"""Code that makes a fit again: in Python, R and Stata."""
