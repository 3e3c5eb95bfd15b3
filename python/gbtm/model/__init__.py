"""What is fitted: specification, outcomes, and the layout of their parameters."""
