"""Stata's traj and SAS's Proc Traj: their commands read, their tables written, their digits compared."""
