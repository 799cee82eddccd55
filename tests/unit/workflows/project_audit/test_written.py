import json

import pytest
from pydantic import BaseModel

from stretto.workflows.project_audit.answers import ComplianceAnswer, ComprehensiveAnswer
from stretto.workflows.project_audit.written import Written, fields_of

SUMMARY = {"summary": {"text": 'So "it": {is}, [or not]', "quantities": [{"material": "gaps"}], "gaps": ["a: b"]}}


def shares(shape, *texts):
    written = Written(shape)
    return [written.share(text) for text in texts]


def upto(text, end):
    return text[: text.index(end) + len(end)]


def test_the_fields_are_those_that_a_model_fills_in():
    assert fields_of(ComprehensiveAnswer) == [("summary", "text"), ("summary", "quantities"), ("summary", "gaps")]
    assert fields_of(ComplianceAnswer) == [("compliance", "status"), ("compliance", "findings"), ("risks",)]


def test_each_field_that_has_begun_counts_and_the_end_does_too():
    text = json.dumps(SUMMARY)
    told = [text[:5], upto(text, '"text":'), upto(text, '"quantities":'), upto(text, '"gaps":'), text]
    assert shares(ComprehensiveAnswer, *told) == [0, 0.25, 0.5, 0.75, 0.75]


@pytest.mark.parametrize(
    "text",
    [
        '{"summary": {"text": "quantities: and \\"gaps\\": {',
        '{"summary": {"text": ["gaps", {"gaps": {"quantities": 1}}',
        '{"text": 1, "gaps": 2, "summary": {"text": ',
        'Here you are: {"summary": {"text": ',
    ],
)
def test_words_in_texts_lists_and_other_places_are_no_fields(text):
    assert shares(ComprehensiveAnswer, text) == [0.25]


def test_it_does_not_matter_in_which_pieces_a_text_comes():
    text = json.dumps(SUMMARY)
    by_character = shares(ComprehensiveAnswer, *(text[:end] for end in range(len(text) + 1)))
    assert by_character == sorted(by_character)
    assert by_character[-1] == shares(ComprehensiveAnswer, text)[0] == 0.75


def test_an_answer_that_is_written_anew_takes_nothing_back():
    text = json.dumps(SUMMARY)
    assert shares(ComprehensiveAnswer, text, "{", upto(text, '"text":'), text) == [0.75] * 4


def test_a_repair_is_followed_too():
    assert shares(ComprehensiveAnswer, "I would rather not.", '{"summary": {"text": 1, "gaps": ') == [0, 0.5]


def test_a_shape_without_shapes_inside_has_its_own_fields():
    class Plain(BaseModel):
        one: str
        two: int

    assert shares(Plain, '{"one": "a"', '{"one": "a", "two": 2}') == [1 / 3, 2 / 3]
