"""Small workflow types to learn from; `make run` serves them, `make demo` shows them."""
