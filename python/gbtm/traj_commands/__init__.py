"""Commands of Stata's traj and steps of SAS's Proc Traj: their texts read."""
