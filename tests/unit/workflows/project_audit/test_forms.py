import re

import pytest
from pydantic import BaseModel

from stretto.workflows.project_audit.answers import (
    ComplianceAnswer,
    ComplianceStatus,
    ComprehensiveAnswer,
    RiskSeverity,
)
from stretto.workflows.project_audit.forms import form_of
from stretto.workflows.project_audit_staged.report import Report

SHAPES = [ComprehensiveAnswer, ComplianceAnswer, Report]


def test_a_form_is_an_object_with_what_each_value_means_in_its_place():
    assert form_of(ComprehensiveAnswer) == (
        '{"text":"what the project is, in a few sentences","quantities":<the positions added up by material and unit>'
        '[{"material":"such as concrete","amount":"decimal","unit":"such as m3","positions":<how many>}],'
        '"gaps":["what the documents leave open, a sentence"]}'
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_form_says_all_that_the_schema_says_of_names_and_values(shape):
    form, schema = form_of(shape), shape.model_json_schema()
    for each in (schema, *schema["$defs"].values()):
        for name in each.get("properties", {}):
            assert f'"{name}":' in form
    assert len(form) < len(str(schema)) / 3


def test_the_names_of_values_are_those_that_an_answer_may_have():
    form = form_of(ComplianceAnswer)
    for values in (ComplianceStatus, RiskSeverity):
        for each in values:
            assert each.name in form
            assert values(each.name) is values(each.name.lower()) is values(each.value) is each
    with pytest.raises(ValueError, match="FINE"):
        ComplianceStatus("FINE")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_form_closes_what_it_opens(shape):
    form = form_of(shape)
    assert form.count("{") == form.count("}")
    assert form.count("[") == form.count("]")
    assert form.count('"') % 2 == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_each_field_says_what_it_means(shape):
    """The form is all that a model gets to know."""
    assert "None" not in form_of(shape)
    assert not re.search(r':""|:<>|:[,}]', form_of(shape))


def test_a_field_that_does_not_say_what_it_means_would_be_seen():
    assert "None" in form_of(type("Bare", (BaseModel,), {"__annotations__": {"one": str}}))
