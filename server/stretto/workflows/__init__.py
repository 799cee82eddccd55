"""The workflow types that ship with Stretto."""
