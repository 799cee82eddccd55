"""The store port and its adapters, one module each."""
