"""The main orchestrator: a graph that understands what a user says and does it with the session's workflows."""
