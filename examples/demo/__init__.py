"""`make demo`: workflows side by side in the terminal, on a server that is killed in the middle."""
