"""Real services for tests, benchmarks and demos, on private ports: what the machine has, else what packages bring."""
