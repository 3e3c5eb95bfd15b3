"""What Stata's traj and SAS's Proc Traj print and leave behind: their tables written, their digits compared."""
