"""`make demo`: a workflow's life in the terminal."""
