"""Stretto's client: what a caller imports."""
