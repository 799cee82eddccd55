"""`make demo-cluster`: servers and workers over PostgreSQL and Redis, of which some are killed in the middle."""
