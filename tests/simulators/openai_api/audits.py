"""What the simulator says of a construction project, as long as real answers are, by what it is asked to be."""

import json
from typing import Any

_WORDS_OF_A_ROLE = 250
_SENTENCE = (
    "The documents describe the works in sufficient detail for this stage but leave some points to be settled before "
    "work on site begins in earnest."
)

_SUMMARY = {
    "text": (
        "An underground car park of two levels with a basement wall in groundwater, built as a reinforced concrete "
        "frame on a raft foundation. The bill of quantities covers excavation, concrete, reinforcement and formwork; "
        "waterproofing and finishes are described in the specifications. The works are planned in one phase beside an "
        "existing building that stays in use."
    ),
    "quantities": [
        {"material": "excavation", "amount": "5400", "unit": "m3", "positions": 2},
        {"material": "concrete", "amount": "1820.5", "unit": "m3", "positions": 4},
        {"material": "reinforcement", "amount": "218400", "unit": "kg", "positions": 2},
        {"material": "formwork", "amount": "6120", "unit": "m2", "positions": 2},
    ],
    "gaps": [
        "The strength class of the blinding concrete is not given.",
        "No position covers the dewatering of the excavation.",
        "The waterproofing of the joints is described but not measured.",
    ],
}
_COMPLIANCE = {
    "status": "COMPLIANCE_STATUS_VIOLATED",
    "findings": [
        {
            "subject": "Ramp: C25/30, XC4, XD3, XF4, cover 35 mm",
            "requirement": "EN 206, XD3: at least C35/45; EN 1992-1-1: cover 55 mm",
            "status": "COMPLIANCE_STATUS_VIOLATED",
            "explanation": "Strength class and cover are both below what chlorides and frost ask for.",
        },
        {
            "subject": "Raft: C30/37, XC2, cover 50 mm",
            "requirement": "EN 206, XC2: at least C25/30; EN 1992-1-1: cover 35 mm",
            "status": "COMPLIANCE_STATUS_COMPLIANT",
            "explanation": "Strength class and cover are above what is asked for.",
        },
        {
            "subject": "Basement wall: C30/37, cover 40 mm",
            "requirement": "EN 206: exposure classes have to be specified",
            "status": "COMPLIANCE_STATUS_INCOMPLETE",
            "explanation": "Without an exposure class it cannot be told whether the cover is enough.",
        },
    ],
}
_RISKS = [
    {
        "severity": "RISK_SEVERITY_MEDIUM",
        "title": "Groundwater",
        "explanation": "The excavation reaches below the water table and no dewatering is measured.",
        "measure": "Have the inflow estimated and the dewatering designed.",
    },
    {
        "severity": "RISK_SEVERITY_HIGH",
        "title": "Corrosion of the ramp",
        "explanation": "Chlorides reach the reinforcement long before the end of the service life.",
        "measure": "Specify C35/45 and a cover of 55 mm.",
    },
    {
        "severity": "RISK_SEVERITY_LOW",
        "title": "Noise",
        "explanation": "The building beside the works stays in use.",
        "measure": "Agree on working hours.",
    },
]
_SHAPES: dict[str, Any] = {"summary": _SUMMARY, "compliance": _COMPLIANCE, "risks": _RISKS}


def answer_about_project(system: str) -> str:
    """The fields that the schema in the system message asks for; without a schema what a role writes."""
    if "one JSON object" not in system:
        return _report()
    schema = json.loads(system[system.index("\n{") :])
    return json.dumps({name: _SHAPES[name] for name in schema["properties"]})


def _report() -> str:
    words = (_SENTENCE + " ").split() * (_WORDS_OF_A_ROLE // len(_SENTENCE.split()) + 1)
    return " ".join(words[:_WORDS_OF_A_ROLE])
