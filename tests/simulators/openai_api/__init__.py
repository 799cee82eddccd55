"""A chat model's server for tests, in a process of its own: speaks OpenAI's API, and misbehaves as it is told.

    python -m tests.simulators.openai_api --port 0

prints its address when it listens. `PUT /script` takes a JSON list of behaviours (see `script.py`), one for each of the
next requests; without one, `rules.py` answers. `GET /log` tells which requests came, `DELETE /log` forgets them and
the script. `tests/simulators/running.py` starts one for a test.
"""
