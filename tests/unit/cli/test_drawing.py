"""Drawings of graphs, made by LangGraph itself as the catalog has them."""

import importlib
import itertools
import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from benchmarks import graphs as measured
from stretto.cli._drawing import Edge, Graph, Mark, Node, Standing, draw, outline, parse_mermaid
from stretto.cli._drawing._layers import Link, arrange
from stretto.workflows.fan_out import FanOut, Source


class State(TypedDict, total=False):
    value: int


def nothing(_: State) -> State:
    return {}


def graph_of(*edges, nodes=(), loops=(), **conditions):
    """A graph out of pairs of names, and of conditions by node."""
    builder = StateGraph(State)
    names = dict.fromkeys(name for edge in edges for name in edge if name not in {START, END})
    for name in dict.fromkeys((*names, *nodes, *conditions)):
        builder.add_node(name, nothing)
    for source, target in edges:
        builder.add_edge(source, target)
    for source, targets in conditions.items():
        builder.add_conditional_edges(source, lambda _: "", targets)
    return builder


def mermaid(graph):
    compiled = graph.compile() if isinstance(graph, StateGraph) else graph
    return compiled.get_graph(xray=True).draw_mermaid()


def parsed(graph):
    return parse_mermaid(mermaid(graph))


def drawn(graph, **standings):
    return "\n" + draw(parsed(graph), standings).text.plain + "\n"


def test_nodes_edges_and_conditions_are_read():
    graph = parsed(graph_of((START, "plan"), ("act", "plan"), plan={"go on": "act", "done": END}))
    assert [node.path for node in graph.nodes] == ["__start__", "plan", "act", "__end__"]
    assert [node.is_step for node in graph.nodes] == [False, True, True, False]
    assert {(edge.source, edge.target, edge.label, edge.conditional) for edge in graph.edges} == {
        ("__start__", "plan", "", False),
        ("act", "plan", "", False),
        ("plan", "act", "go on", True),
        ("plan", "__end__", "done", True),
    }


def test_names_of_all_sorts_are_read_as_they_are():
    names = ["my node a/b (x)", "répons", "a-b_c.d", "[square]", "*star*", "日本"]
    graph = parsed(graph_of((START, names[0]), *itertools.pairwise(names), (names[-1], END)))
    assert [node.path for node in graph.nodes if node.is_step] == names


def test_notes_of_a_node_are_no_part_of_its_name():
    builder = StateGraph(State)
    builder.add_node("late", nothing, defer=True, metadata={"why": "a (b) [c]"})
    builder.add_edge(START, "late")
    (node,) = [node for node in parsed(builder).nodes if node.is_step]
    assert node.name == "late"
    assert set(node.notes) == {"defer = True", "why = a (b) [c]"}


def test_subgraphs_give_paths_as_events_have_them():
    graph = parsed(nested())
    assert [node.path for node in graph.nodes if node.is_step] == ["before", "after", "sub/plan", "sub/act"]
    assert [node.path for node in graph.nodes if node.name == "__start__"] == ["__start__", "sub/__start__"]


def nested():
    inner = graph_of((START, "plan"), ("plan", "act"), ("act", "plan"))
    outer = StateGraph(State)
    outer.add_node("before", nothing)
    outer.add_node("sub", inner.compile())
    outer.add_node("after", nothing)
    outer.add_edge(START, "before")
    outer.add_edge("before", "sub")
    outer.add_edge("sub", "after")
    return outer


def test_a_subgraph_of_one_node_with_a_loop_is_read_from_its_edge():
    inner = StateGraph(State)
    inner.add_node("again", nothing)
    inner.add_edge(START, "again")
    inner.add_conditional_edges("again", lambda _: "again", ["again"])
    outer = StateGraph(State)
    outer.add_node("sub", inner.compile())
    outer.add_edge(START, "sub")
    assert "sub/again" in [node.path for node in parsed(outer).nodes]


def test_a_chain_is_a_column():
    assert (
        drawn(graph_of((START, "one"), ("one", "two"), ("two", END)))
        == """
● start
   ▼
╭─────╮
│ one │
╰──┬──╯
   ▼
╭─────╮
│ two │
╰──┬──╯
   ▼
 ◉ end
"""
    )


def test_fans_share_a_line():
    assert (
        drawn(measured.fan4())
        == """
                               ● start
                                  ▼
                              ╭───────╮
                              │ route │
                              ╰───┬───╯
       ╭─────────────────┬────────┴────────┬────────────────╮
       ▼                 ▼                 ▼                ▼
╭─────────────╮   ╭─────────────╮   ╭─────────────╮   ╭───────────╮
│ branch_300  │   │ branch_500  │   │ branch_100  │   │ branch_50 │
╰──────┬──────╯   ╰──────┬──────╯   ╰──────┬──────╯   ╰─────┬─────╯
       ╰─────────────────┴────────┬────────┴────────────────╯
                                  ▼
                             ╭─────────╮
                             │ gather  │
                             ╰────┬────╯
                                  ▼
                                ◉ end
"""
    )


def test_cycles_go_back_up_at_the_right_and_conditions_are_dashed():
    graph = graph_of((START, "agent"), ("tools", "agent"), agent={"call": "tools", "done": END, "more": "agent"})
    assert (
        drawn(graph)
        == """
       ● start
          │ ╭──────────╮
          ▼ ▼          │
     ╭─────────╮       │
     │ agent ⟲ │       │
     ╰────┬────╯       │
    ╭╌╌╌╌╌┴╌╌╌╌╌╮      │
    ▽ call      ▽ done │
╭───────╮     ◉ end    │
│ tools │              │
╰───┬───╯              │
    ╰──────────────────╯
"""
    )


def test_workers_come_back_to_their_supervisor_by_one_line():
    def supervise(_: State) -> Command[Literal["one", "two", "__end__"]]:
        raise NotImplementedError

    builder = StateGraph(State)
    builder.add_node("boss", supervise)
    for name in ("one", "two"):
        builder.add_node(name, nothing)
        builder.add_edge(name, "boss")
    builder.add_edge(START, "boss")
    assert (
        drawn(builder)
        == """
          ● start
             │ ╭──────────╮
             ▼ ▼          │
         ╭───────╮        │
         │ boss  │        │
         ╰───┬───╯        │
   ╭╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╮   │
   ▽         ▽        ▽   │
╭─────╮   ╭─────╮   ◉ end │
│ one │   │ two │         │
╰──┬──╯   ╰──┬──╯         │
   ╰─────────┴────────────╯
"""
    )


def test_sources_beside_each_other_share_a_row_and_are_asked_again_by_one_line():
    fan_out = FanOut([Source(name, print) for name in ("one", "two", "six")])
    assert (
        drawn(fan_out.compile())
        == """
              ● start
   ╭╌╌╌╌╌╌╌╌╌┬╌╌╌┴╌╌╌╌╌┬╌╌╌╌╌╌╮
   ┊ ╭╌╌╌╌╌╌╌┊╌┬╌╌╌╌╌╌╌┊╌┬╌╌╌╌┊╌╌╮
   ▽ ▽       ▽ ▽       ▽ ▽    ┊  ┊
╭─────╮   ╭─────╮   ╭─────╮   ┊  ┊
│ one │   │ two │   │ six │   ┊  ┊
╰──┬──╯   ╰──┬──╯   ╰──┬──╯   ┊  ┊
   │         │     ╭╌╌╌│╌╌╌╌╌╌╯  ┊
   ╰─────────┴───┬─┊───╯         ┊
                 ▼ ▽             ┊
            ╭─────────╮          ┊
            │ joining │          ┊
            ╰────┬─┬──╯          ┊
                 ┊ ╰╌╌╌╌╌╌╌╌╌╌╌╌╌╯
                 ▽
               ◉ end
"""
    )


@pytest.mark.parametrize("names", list(itertools.permutations(["one", "two", "joining"])))
def test_a_loop_that_is_entered_at_several_places_goes_back_where_a_condition_does(names):
    there = [Link("start", name, dashed=True) for name in names]
    again = [Link("joining", name, dashed=True) for name in names if name != "joining"]
    solid = [Link(name, "joining") for name in names if name != "joining"]
    found = arrange(["start", *names], [*there, *again, *solid])
    assert sorted(found.back, key=again.index) == again
    assert [set(row) - found.passing for row in found.layers] == [{"start"}, {"one", "two"}, {"joining"}]


def test_a_subgraph_is_a_box_around_its_nodes():
    text = drawn(nested(), sub=Standing(Mark.RUNNING), **{"sub/plan": Standing(Mark.FINISHED, 2)})
    assert "╭─ ▸ sub ─" in text
    assert "│ ✓ plan \u00d72 │" in text
    rows = text.splitlines()
    top = next(number for number, row in enumerate(rows) if "sub" in row)
    inside = next(number for number, row in enumerate(rows) if "act" in row)
    after = next(number for number, row in enumerate(rows) if "after" in row)
    assert top < inside < after


def test_a_line_past_a_layer_keeps_clear_of_its_boxes():
    graph = graph_of((START, "one"), ("one", "two"), ("two", "three"), ("one", "three"))
    assert (
        drawn(graph)
        == """
    ● start
       ▼
    ╭─────╮
    │ one │
    ╰──┬──╯
   ╭───┴──╮
   ▼      │
╭─────╮   │
│ two │   │
╰──┬──╯   │
   ╰───┬──╯
       ▼
   ╭───────╮
   │ three │
   ╰───┬───╯
       ▼
     ◉ end
"""
    )


def test_lines_that_cross_do_not_join():
    edges = [
        ("a", "x"),
        ("a", "y"),
        ("b", "x"),
        ("b", "y"),
        ("b", "z"),
        (START, "b"),
        ("z", "a"),
        ("x", END),
        ("y", "b"),
    ]
    assert (
        drawn(graph_of((START, "a"), *edges))
        == """
        ● start
       ╭───┴──╮
       │ ╭────│─────╮
       ▼ ▼    │     │
    ╭─────╮   │     │
    │  a  │   │     │
    ╰──┬──╯   │     │
       │  ╭───╯     │
   ╭───┴──│───╮     │
   │ ╭────│───│───╮ │
   ▼ ▼    │   │   │ │
╭─────╮   │   │   │ │
│  y  │   │   │   │ │
╰──┬──╯   │   │   │ │
   ╰───┬──╯   │   │ │
       ▼      │   │ │
    ╭─────╮   │   │ │
    │  b  │   │   │ │
    ╰──┬─┬╯   │   │ │
    ╭──┴─│─╮ ╭╯   │ │
    │    ╰─│─│────╯ │
    ▼      ▼ ▼      │
  ╭───╮   ╭─────╮   │
  │ z │   │  x  │   │
  ╰─┬─╯   ╰──┬──╯   │
    ╰────────│──────╯
             ▼
           ◉ end
"""
    )


def test_wide_characters_take_two_columns():
    rows = drawn(graph_of((START, "日本"), ("日本", END))).splitlines()
    box = next(row for row in rows if "日本" in row)
    top = next(row for row in rows if "╭" in row)
    assert len(box) + 2 == len(top)


def test_long_names_are_cut():
    assert "x" * 39 + "…" in drawn(graph_of((START, "x" * 100)))


def test_a_functional_graph_is_drawn():
    @task
    def work(value: int) -> int:
        return value

    @entrypoint()
    def flow(value: int) -> int:
        return work(value).result()

    assert "│ flow" in drawn(flow)


def test_an_outline_says_what_follows_on_what():
    graph = graph_of((START, "plan"), ("act", "plan"), plan={"go on": "act", "done": END, "more": "plan"})
    text = outline(parsed(graph), {"plan": Standing(Mark.FINISHED, 3)}).plain
    assert text.splitlines() == [
        "○ start",
        "    ─▸ plan",
        "✓ plan \u00d73",
        "    ┄▸ end  done",
        "    ┄▸ act  go on",
        "    ┄▸ itself  more",
        "○ act",
        "    ─▸ plan",
    ]


LABELS = st.sampled_from(["", "", "if so", "a label that is rather long for a drawing"])


def known_graphs():
    for name in ("examples.app", "tests.e2e.graphs", "tests.e2e.cli.graphs"):
        for declared in importlib.import_module(name).app.declarations.values():
            graph = declared.graph
            yield pytest.param(graph() if callable(graph) and not hasattr(graph, "nodes") else graph, id=declared.name)
    for name in ("chain3", "fan4", "ticker", "blocker", "chatty", "asker", "sleeper"):
        yield pytest.param(getattr(measured, name)(), id=name)


@pytest.mark.parametrize("graph", list(known_graphs()))
def test_every_graph_of_ours_is_drawn_whole(graph):
    whole(parsed(graph))


@st.composite
def random_graphs(choose):
    """Graphs of all shapes, also those that LangGraph would refuse."""
    ids = ["__start__", *(f"node{number}" for number in range(choose(st.integers(1, 8)))), "__end__"]
    pairs = st.tuples(st.sampled_from(ids[:-1]), st.sampled_from(ids[1:]))
    edges = choose(
        st.lists(st.builds(lambda pair, label, dashed: Edge(*pair, label, dashed), pairs, LABELS, st.booleans()))
    )
    inside = choose(st.sets(st.sampled_from(ids[1:-1])))
    nodes = [Node(name, name, ("sub",) if name in inside else ()) for name in ids]
    return Graph(tuple(nodes), tuple(edges))


@settings(max_examples=200, deadline=None)
@given(random_graphs())
def test_any_graph_is_drawn_whole(graph):
    whole(graph)


def whole(graph):
    """Each step stands in a box that nothing runs through, and each edge has its end."""
    drawing = draw(graph)
    text = drawing.text.plain
    assert max(map(len, text.splitlines())) <= drawing.width
    for node in graph.nodes:
        if node.is_step:
            assert re.search(rf"│ +{re.escape(node.name)}( ⟲)? *│", text), text
    # An edge between a subgraph and a node in it is drawn at neither level.
    group = {node.node_id: node.group for node in graph.nodes}
    entered = {
        edge.target for edge in graph.edges if edge.source != edge.target and group[edge.source] == group[edge.target]
    }
    assert text.count("▼") + text.count("▽") >= len(entered), text
