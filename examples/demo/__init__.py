"""`make demo`: workflows on a server that is killed in the middle, then a conversation with some others."""
