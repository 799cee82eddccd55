"""Rooms of the offline understanding: reading words, matching them with schemas, and saying what is missing."""
