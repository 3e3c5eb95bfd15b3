"""What goes into a paper: the GRoLTS report and tables in other formats."""
