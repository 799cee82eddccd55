"""`stretto graph`."""

import pytest

from tests.e2e.cli.calling import until

DRAWN = """\
  ● start
     ▼
 ╭───────╮
 │ price │
 ╰───┬───╯
     ▼
╭─────────╮
│ review  │
╰────┬────╯
     ▼
   ◉ end
"""


def marks(done):
    return {node["step"]: node["mark"] for node in done.json["nodes"]}


def test_a_type_is_drawn(here):
    done = here("graph", "orders")
    assert done.code == 0
    assert done.out == DRAWN


def test_a_workflow_is_drawn_with_what_its_steps_did(here, order):
    done = here("graph", order)
    assert done.code == 0
    assert done.out.splitlines()[0] == f"{order}  orders  WAITING"
    assert "│ ✓ price │" in done.out
    assert "│ ? review " in done.out
    assert done.out.splitlines()[-1] == "? waiting   ✓ finished"


def test_json_gives_nodes_and_edges_with_their_marks(here, order):
    document = here("graph", order, "--json").json
    assert (document["workflow_type"], document["workflow_id"]) == ("orders", order)
    assert document["nodes"] == [
        {"step": "__start__", "kind": "start", "mark": "", "finished": 0},
        {"step": "price", "kind": "step", "mark": "finished", "finished": 1},
        {"step": "review", "kind": "step", "mark": "waiting", "finished": 0},
        {"step": "__end__", "kind": "end", "mark": "", "finished": 0},
    ]
    assert {"source": "price", "target": "review", "conditional": False, "label": ""} in document["edges"]
    assert len(document["edges"]) == 3


def test_json_of_a_type_has_no_marks(here):
    done = here("graph", "asks_twice", "--json")
    assert set(marks(done).values()) == {""}
    assert done.json["workflow_id"] == ""


def test_failed_and_stopped_steps_are_marked(here, client):
    failed = until(client, client.start("fails", {}).id, "failed")
    assert marks(here("graph", failed, "--json"))["fails"] == "failed"
    assert "✗ fails" in here("graph", failed).out
    handle = client.start("waits", {})
    until(client, handle.id, "step_progress")
    assert marks(here("graph", handle.id, "--json"))["waits"] == "running"
    handle.cancel()
    until(client, handle.id, "cancelled")
    assert marks(here("graph", handle.id, "--json"))["waits"] == "stopped"


def test_mermaid_text_has_a_class_for_each_mark(here, order):
    lines = here("graph", order, "--mermaid").out.splitlines()
    assert "graph TD;" in lines
    assert "\tclass price finished" in lines
    assert "\tclass review waiting" in lines
    assert any(line.startswith("\tclassDef waiting fill:") for line in lines)
    assert not any(line.startswith("\tclass ") for line in here("graph", "orders", "--mermaid").out.splitlines())


def test_a_narrow_terminal_gets_a_list(here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "12")
    done = here("graph", "asks_twice")
    assert "    ─▸ left" in done.out.splitlines()
    assert "columns" in done.err


@pytest.mark.parametrize(("name", "near"), [("nobody", "orders"), ("wf_nobody", "stretto list")])
def test_what_is_not_there_gives_3_and_one_line(here, name, near):
    done = here("graph", name)
    assert (done.code, done.out) == (3, "")
    assert near in done.err
    assert len(done.err.splitlines()) == 1
    assert here("graph", name, "--json").error["exit"] == "NOT_FOUND"


def test_mermaid_and_json_are_two_things(here):
    assert here("graph", "orders", "--mermaid", "--json").error["exit"] == "USAGE"


def test_without_a_name_it_says_what_is_missing(here):
    assert here("graph").code == 2
