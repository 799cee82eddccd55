"""Pays expenses back once a person has approved them."""
