"""Measurements that take longer than a test may, or data that is no part of the project: `python -m tests.bench`."""
