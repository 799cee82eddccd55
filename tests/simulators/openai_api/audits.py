"""What the simulator says of a construction project, as long as real answers are, by what it is asked to be."""

import json
from typing import Any

_MEMO = """\
1. Earthworks. Positions 01.01.0010 and 01.09.0010 add up to 1,280 m3 of excavation in soil of class 4, which fits a
pit of 32 x 25 m and 1.60 m below the blinding. Shoring and dewatering are described, but not measured; with a design
water level of 1.20 m below ground both are needed from the first day on.

2. Raft. 824 m3 of C30/37, XC2, XA1 with a cover of 50 mm and w/c 0.50 are in order for XC2. For XA1 the cement content
of 320 kg/m3 is above the 300 kg/m3 that EN 206 asks for. The reinforcement of 48.2 t per section is about 117 kg/m3,
which is usual for a raft of 60 cm.

3. Outer walls. C30/37, XC4, XF1 with 40 mm of cover meets EN 1992-1-1, Table 4.4N, for structural class S4: 30 mm for
durability and 10 mm of deviation. The crack width of 0.20 mm has to be proved by calculation; no position covers the
injection of cracks.

4. Ramp. C25/30 with XD3 and XF4 is two classes too low: C35/45 and 55 mm of cover are needed, with air entrainment of
4 percent at least. I rate this as the worst point of the project, since chlorides would reach the bars in less than
ten years.

5. Open points. The strength class of the columns agrees with XD3; their fire resistance is not said. The exposure
class of the parapets is missing, and so is the slope of the drains on level -2.
"""
"""What a role writes: 250 words."""

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
_FINDINGS = [
    {
        "subject": "Ramp: C25/30, XC4, XD3, XF4, cover 35 mm",
        "requirement": "EN 206, XD3: at least C35/45; EN 1992-1-1: cover 55 mm",
        "status": "VIOLATED",
        "explanation": "Strength class and cover are both below what chlorides and frost ask for.",
    },
    {
        "subject": "Raft: C30/37, XC2, cover 50 mm",
        "requirement": "EN 206, XC2: at least C25/30; EN 1992-1-1: cover 35 mm",
        "status": "COMPLIANT",
        "explanation": "Strength class and cover are above what is asked for.",
    },
    {
        "subject": "Basement wall: C30/37, cover 40 mm",
        "requirement": "EN 206: exposure classes have to be specified",
        "status": "INCOMPLETE",
        "explanation": "Without an exposure class it cannot be told whether the cover is enough.",
    },
]
_RISKS = [
    {
        "severity": "MEDIUM",
        "title": "Groundwater",
        "explanation": "The excavation reaches below the water table and no dewatering is measured.",
        "measure": "Have the inflow estimated and the dewatering designed.",
    },
    {
        "severity": "HIGH",
        "title": "Corrosion of the ramp",
        "explanation": "Chlorides reach the reinforcement long before the end of the service life.",
        "measure": "Specify C35/45 and a cover of 55 mm.",
    },
    {
        "severity": "LOW",
        "title": "Noise",
        "explanation": "The building beside the works stays in use.",
        "measure": "Agree on working hours.",
    },
]
_FIELDS: dict[str, Any] = {"findings": _FINDINGS, "risks": _RISKS}


def answer_about_project(system: str) -> str:
    """The fields that the form in the system message names; without one what a role writes."""
    if "one JSON object" not in system:
        return _MEMO
    fields = {"summary": _SUMMARY, **_FIELDS} if '"summary":' in system else {**_SUMMARY, **_FIELDS}
    return json.dumps({name: value for name, value in fields.items() if f'"{name}":' in system})
