"""Tests, intervals and functions of the parameters of a fit."""
