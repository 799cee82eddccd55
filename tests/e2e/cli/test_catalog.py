"""`stretto types`, `stretto describe` and `stretto completion`."""

import shlex
import subprocess

import pytest


def test_types_are_a_table(here) -> None:
    done = here("types")
    assert done.code == 0
    head, *rows = done.out.splitlines()
    assert head.split() == ["NAME", "VERSION", "INPUT", "→", "RESULT", "DESCRIPTION"]
    asking = ["asks", "asks_sources", "asks_sources_freely", "asks_twice"]
    assert [row.split()[0] for row in rows] == [*asking, "echo", "fails", "orders", "waits"]
    assert "OrderRequest → Report  Prices an order and asks a person whether to ship it." in done.out


def test_types_as_json_are_one_object_on_each_line(here) -> None:
    done = here("types", "--json")
    assert done.err == ""
    orders = next(line for line in done.lines if line["name"] == "orders")
    assert orders["contract"]["input_type"] == "tests.orders.v1.OrderRequest"
    assert orders["version"] == "7"


def test_a_type_is_described_with_all_its_fields_and_rules(here) -> None:
    told = " ".join(here("describe", "orders").out.split())
    assert "orders version 7 Prices an order" in told
    assert "Input tests.orders.v1.OrderRequest customer string 1 to 64 characters" in told
    assert "items list of Item 1 to 10 items sku string matches ^[A-Z]{3}-[0-9]+$ quantity uint32 >= 1, <= 100" in told
    assert "priority PRIORITY_NORMAL | PRIORITY_HIGH" in told
    assert "notes map of string to string deliver_by time" in told
    assert "Decision at review tests.orders.v1.ReviewDecision verdict VERDICT_APPROVE | VERDICT_REJECT" in told
    assert "Policies ends within 60 min runs at once at most 50 on one server" in told


def test_steps_are_described_with_their_retries(here) -> None:
    assert "up to 2 attempts on ValueError, after 10 ms, each x2" in here("describe", "fails").out


def test_an_example_is_a_command_to_paste(here) -> None:
    line = here("describe", "orders").out.splitlines()[-1]
    stretto, *argv = shlex.split(line)
    assert stretto == "stretto"
    assert here(*argv).code == 0


def test_a_type_without_examples_gets_one_made_of_its_fields(here) -> None:
    assert here("describe", "echo").out.splitlines()[-1] == "  stretto start echo '{}'"


def test_an_example_for_another_server_says_so(stretto, served) -> None:
    assert stretto("describe", "echo", "--server", served).out.endswith(f"'{{}}' --server {served}\n")


def test_a_described_type_is_one_json_document(here) -> None:
    described = here("describe", "orders", "--json").json
    assert described["examples"][0]["input"]["items"] == [{"sku": "ABC-1", "quantity": 2, "price": 1.5}]
    assert described["contract"]["decision_types"] == {"review": "tests.orders.v1.ReviewDecision"}
    assert "file_descriptor_set" not in described["contract"]


def test_the_drawing_alone_is_mermaid(here) -> None:
    drawn = here("describe", "orders", "--mermaid")
    assert "graph TD;" in drawn.out
    assert "price --> review;" in drawn.out
    assert here("describe", "orders", "--mermaid", "--json").json["mermaid"] in drawn.out


def test_an_unknown_type_is_answered_with_the_nearest_one(here) -> None:
    done = here("describe", "order")
    assert (done.code, done.out) == (3, "")
    assert done.err.endswith("did you mean orders?\n")
    assert len(done.err.splitlines()) == 1
    error = here("describe", "zzz", "--json").error
    assert (error["exit_code"], error["reason"]) == (3, "UNKNOWN_WORKFLOW_TYPE")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_completion_of_all_commands(stretto, shell) -> None:
    done = stretto("completion", shell)
    assert done.code == 0
    assert all(name in done.out for name in ("describe", "serve", "--request-id"))
    assert stretto("completion", shell, "--json").json["shell"] == shell


def test_bash_completes_commands_and_options(stretto, tmp_path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(stretto("completion", "bash").out)
    ask = f"source {script}; COMP_WORDS=(stretto %s); COMP_CWORD=%d; _stretto; echo ${{COMPREPLY[@]}}"
    assert bash(ask % ("de", 1)) == ["describe", "decide"]
    assert bash(ask % ("start --re", 2)) == ["--request-id"]


def bash(script: str) -> list[str]:
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_completion_of_another_shell_is_refused(stretto) -> None:
    done = stretto("completion", "tcsh")
    assert done.code == 2
    assert done.err.startswith("stretto: completion: ")
    assert len(done.err.splitlines()) == 1
