"""What the user holds: the model, the results, and the traj and Proc Traj commands."""
