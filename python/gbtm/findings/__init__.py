"""What is doubtful about data and fits, in plain sentences."""
