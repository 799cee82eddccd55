import json

import pytest
from pydantic import BaseModel

from stretto.workflows.project_audit.answers import ComplianceAnswer, ComprehensiveAnswer
from stretto.workflows.project_audit.written import Written, fields_of
from stretto.workflows.project_audit_staged.report import Report

SUMMARY = {"text": 'So "it": {is}, [or not]', "quantities": [{"material": "gaps"}], "gaps": ["a: b"]}
REPORT = {"summary": SUMMARY, "findings": [{"text": "gaps"}], "risks": []}


def shares(shape, *texts):
    written = Written(shape)
    return [written.share(text) for text in texts]


def upto(text, end):
    return text[: text.index(end) + len(end)]


def test_the_fields_are_those_that_a_model_fills_in():
    assert fields_of(ComprehensiveAnswer) == [("text",), ("quantities",), ("gaps",)]
    assert fields_of(ComplianceAnswer) == [("findings",), ("risks",)]
    assert fields_of(Report) == [*(("summary", name) for name in SUMMARY), ("findings",), ("risks",)]


def test_a_field_is_done_when_the_next_one_begins():
    text = json.dumps(SUMMARY)
    told = [text[:1], upto(text, '"text":'), upto(text, '"quantities":'), upto(text, '"gaps":'), text]
    assert shares(ComprehensiveAnswer, *told) == [0, 0, 1 / 3, 2 / 3, 2 / 3]
    text = json.dumps(REPORT)
    told = [upto(text, '"quantities":'), upto(text, '"findings":'), upto(text, '"risks":')]
    assert shares(Report, *told) == [0.2, 0.6, 0.8]


@pytest.mark.parametrize(
    "text",
    [
        '{"summary": {"text": 1, "quantities": "quantities: and \\"gaps\\": {',
        '{"summary": {"text": 1, "quantities": ["gaps", {"gaps": {"findings": 1}}',
        '{"text": 1, "gaps": 2, "summary": {"text": 1, "quantities": ',
        'Here you are: {"summary": {"text": 1, "quantities": ',
        '{"summary": {"text": "' + "a" * 100 + '\\"findings\\": ", "quantities": ',
    ],
)
def test_words_in_texts_lists_and_other_places_are_no_fields(text):
    assert shares(Report, text) == [0.2]


def test_it_does_not_matter_in_which_pieces_a_text_comes():
    text = json.dumps(REPORT)
    by_character = shares(Report, *(text[:end] for end in range(len(text) + 1)))
    assert by_character == sorted(by_character)
    assert by_character[-1] == shares(Report, text)[0] == 0.8


def test_an_answer_that_is_written_anew_takes_nothing_back():
    text = json.dumps(SUMMARY)
    assert shares(ComprehensiveAnswer, text, "{", upto(text, '"text":'), text) == [2 / 3] * 4


def test_a_repair_is_followed_too():
    assert shares(ComprehensiveAnswer, "I would rather not.", '{"text": 1, "gaps": ') == [0, 1 / 3]


def test_a_shape_without_shapes_inside_has_its_own_fields():
    class Plain(BaseModel):
        one: str
        two: int

    assert shares(Plain, '{"one": "a"', '{"one": "a", "two": 2}') == [0, 1 / 2]
