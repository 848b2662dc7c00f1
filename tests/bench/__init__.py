"""Measurements on data sets that are not part of the project: `python -m tests.bench`."""
