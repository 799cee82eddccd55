"""Measures Stretto against bare LangGraph and bare gRPC in one run. `python -m benchmarks --help` tells how."""
