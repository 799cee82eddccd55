import protovalidate
import pytest
from google.protobuf.json_format import ParseDict

from stretto.audit.v1.project_audit_pb2 import AuditReport
from stretto.workflows.project_audit.queries import contract_of
from stretto.workflows.project_audit.rules import compliance, comprehensive, unread
from stretto.workflows.project_audit.rules._project import project_of
from stretto.workflows.project_audit.rules._reading import POSITION_CHARACTERS_MAX, SPECIFICATION_CHARACTERS_MAX, read

LONGEST = 2_000
POSITIONS = 500
EACH = POSITION_CHARACTERS_MAX // POSITIONS


def project(text, quantity="1"):
    """A project as large as the contract allows, of one text."""
    line = (text * LONGEST)[:LONGEST]
    position = {"text": line, "quantity": quantity, "unit": "m3"}
    return {"description": line * 5, "positions": [position] * POSITIONS, "specifications": [line] * 100}


def test_what_is_little_is_read_in_full():
    texts = ["x" * LONGEST] * 10
    assert read(texts, POSITION_CHARACTERS_MAX) == texts
    assert unread({"description": "A shed.", "positions": [{"text": text} for text in texts]}) == ()
    assert read([], 10) == []


def test_where_there_is_too_much_all_are_read_to_the_same_length_and_no_word_is_cut():
    assert read(["cover 40 mm", "XC4", "w/c 0.45", "unbroken"], 24) == ["cover", "XC4", "w/c", "unbrok"]


def test_what_is_not_read_is_told():
    request = project("Concrete C30/37 ")
    request["positions"] = [{"text": "Concrete"}, *request["positions"][1:]]
    assert unread(request) == (
        f"The rules read the first {EACH} characters of each of the positions; 499 of 500 have more.",
        "The rules read the first 300 characters of each of the specifications; 100 of 100 have more.",
    )


def test_each_position_is_added_up_however_much_there_is_to_read():
    [quantity] = comprehensive(project("Concrete C30/37 ", "2.5")).quantities
    assert (quantity.amount, quantity.positions) == ("1250", POSITIONS)


@pytest.mark.parametrize("text", ["XC4;", "slab C30/37 XC4. Wall XC1. ", "no groundwater ", "unbroken"])
def test_the_largest_project_is_read_within_its_bounds_and_answered_within_the_contract(text):
    request = project(text)
    seen = project_of(request)
    assert sum(len(each.text) for each in seen.positions) <= POSITION_CHARACTERS_MAX
    assert sum(map(len, seen.specifications)) <= SPECIFICATION_CHARACTERS_MAX
    report = {**contract_of(comprehensive(request)), **contract_of(compliance(request))}
    protovalidate.validate(ParseDict(report, AuditReport()))
