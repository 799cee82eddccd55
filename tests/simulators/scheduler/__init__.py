"""A scheduler for tests, in a process of its own: speaks Airflow's REST API v2, and misbehaves as it is told.

    python -m tests.simulators.scheduler --port 0

prints its address when it listens. `PUT /simulator/jobs` takes a JSON list of jobs (see `jobs.py`),
`PUT /simulator/token` the token that is wanted; `tests/simulators/source.py` has the rest.
`tests/simulators/running.py` starts one for a test.
"""
