"""Stretto in one line of a test: a real server in the test's own process."""
