"""What is fitted: outcomes, and the layout of their parameters."""
