"""Runs graphs: the only importer of langgraph."""
