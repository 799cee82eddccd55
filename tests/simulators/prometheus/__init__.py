"""A Prometheus for tests, in a process of its own: answers instant queries, and misbehaves as it is told.

    python -m tests.simulators.prometheus --port 0

prints its address when it listens. `PUT /simulator/samples` takes a JSON list of samples (see `samples.py`);
`tests/simulators/source.py` has the rest. Queries are really evaluated, as far as `parser.py` knows the language.
`tests/simulators/running.py` starts one for a test.
"""
