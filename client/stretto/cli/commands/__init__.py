"""The commands, a module each; `_table.py` lists them."""
