"""Stretto's server."""
