"""What is made of a fit after the fact: comparison with Stata's traj."""
