import re

import pytest
from pydantic import BaseModel

from stretto.workflows.project_audit.answers import ComplianceAnswer, ComprehensiveAnswer
from stretto.workflows.project_audit.forms import form_of
from stretto.workflows.project_audit_staged.report import Report


def test_a_form_has_a_line_for_each_field():
    assert form_of(ComprehensiveAnswer).splitlines()[:5] == [
        "{",
        ' "summary": {  // What the project is.',
        '  "text": string  // What the project is, in a few sentences.',
        '  "quantities": [{  // The positions added up, one entry for each material and unit.',
        '   "material": string  // What, such as `concrete`, `reinforcement` or `formwork`.',
    ]


@pytest.mark.parametrize("shape", [ComprehensiveAnswer, ComplianceAnswer, Report])
def test_a_form_says_all_that_the_schema_says_of_names_and_values(shape):
    form, schema = form_of(shape), shape.model_json_schema()
    for each in (schema, *schema["$defs"].values()):
        for name in each.get("properties", {}):
            assert f'"{name}": ' in form
        for value in each.get("enum", ()):
            assert value in form
    assert '"missing"' not in form
    assert len(form) < len(str(schema)) * 2 / 3


@pytest.mark.parametrize("shape", [ComprehensiveAnswer, ComplianceAnswer, Report])
def test_a_form_closes_what_it_opens(shape):
    plain = re.sub(r"//.*", "", form_of(shape))
    assert plain.count("{") == plain.count("}") > 1
    assert plain.count("[") == plain.count("]")


def test_a_list_of_values_and_a_list_of_objects_are_told_apart():
    assert '"gaps": [string, ...]' in form_of(ComprehensiveAnswer)
    assert "}, ...]" in form_of(ComprehensiveAnswer)


def test_what_has_no_description_is_refused_by_the_test_of_a_shape():
    """Each field of the shapes says what it means, since the form is all that a model gets to know."""
    for shape in (ComprehensiveAnswer, ComplianceAnswer, Report):
        assert "// None" not in form_of(shape)
    assert "// None" in form_of(type("Bare", (BaseModel,), {"__annotations__": {"one": str}}))
