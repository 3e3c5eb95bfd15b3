"""A fit beside what Stata's traj or SAS's Proc Traj printed: reading, matching, explaining."""
