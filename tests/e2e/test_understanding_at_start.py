"""What a server says at its start of how it understands messages."""

from tests.e2e.starting import ended, serve


def test_without_a_model_a_server_says_that_it_goes_by_rules(tmp_path):
    done = ended(serve(tmp_path))
    assert done.returncode == 0, done.stderr
    assert '"by": "rules"' in done.stderr
    assert "--model names one" in done.stderr


def test_a_server_without_an_orchestrator_says_so(tmp_path):
    done = ended(serve(tmp_path, "--no-orchestrator"))
    assert done.returncode == 0, done.stderr
    assert "messages_not_taken" in done.stderr


def test_a_model_that_cannot_be_used_is_told_in_one_line(tmp_path):
    done = ended(serve(tmp_path, "--model", "foo:bar"))
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("stretto: STRETTO_MODEL is 'foo:bar', which cannot be used")
