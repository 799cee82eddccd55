import base64

import pytest

from stretto.server.domain.errors import InvalidPageToken
from stretto.server.rpc._pages import Filter, page
from stretto.workflow.v1.workflow_pb2 import Step
from stretto.workflow.v1.workflow_service_pb2 import ListWorkflowsRequest

WHERE = Filter.of("p", ListWorkflowsRequest(session_id="s"))


def test_a_token_gives_its_cursor_back() -> None:
    assert WHERE.cursor(WHERE.token("12:wf_ü")) == "12:wf_ü"
    assert WHERE.cursor("") == ""


def test_the_page_is_no_part_of_the_filter_but_all_else_is() -> None:
    paged = ListWorkflowsRequest(session_id="s", page_size=7, page_token="x")
    assert Filter.of("p", paged) == WHERE
    assert Filter.of("q", paged) != WHERE
    assert Filter.of("p", ListWorkflowsRequest(session_id="t")) != WHERE


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "!!!!",
        "ü",
        "A" * 512,
        Filter(b"0" * 12).token("1:a"),
        WHERE.token("")[:-1],
        WHERE.token(""),
        base64.urlsafe_b64encode(b"\x02" + WHERE.digest + b"1:a").decode(),
        base64.urlsafe_b64encode(b"\x01" + WHERE.digest + b"\xff").decode(),
    ],
)
def test_a_token_that_was_not_made_for_the_filter_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        WHERE.cursor(token)


def test_a_page_ends_at_its_size_or_when_it_is_large() -> None:
    def convert(row: str) -> Step:
        return Step(message=row)

    assert page(["a", "b"], 2, convert, str) == ([Step(message="a"), Step(message="b")], "")
    assert page(["a", "b", "c"], 2, convert, str)[1] == "b"
    large = ["x" * 1_500_000, "y" * 1_500_000]
    entries, cursor = page(large, 5, convert, lambda row: row[0])
    assert (len(entries), cursor) == (1, "x")
    assert page(["z" * 3_000_000], 5, convert, str)[1] == ""
