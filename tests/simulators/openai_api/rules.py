"""What the simulator answers without a script: simple rules over the brief in the prompt, the same every time."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulators.openai_api.audits import answer_about_project

_BRIEF = re.compile(r"<brief>\n(.*)\n</brief>", re.DOTALL)
_APPROVALS = {"yes", "ok", "approve", "approved", "good"}
_REFUSALS = {"no", "reject", "rejected", "refuse"}
_STOPS = {"cancel", "stop", "abort"}
_ASKS = {"how", "what", "when", "which", "why", "who", "is", "are"}
_SMALL = {"a", "an", "and", "for", "from", "i", "in", "me", "my", "of", "on", "please", "the", "to", "with"}


def answer_to(messages: Sequence[Mapping[str, Any]]) -> str:
    """The answer to a conversation. An object where the system message asks for one, text elsewhere."""
    last = str(messages[-1].get("content", ""))
    if "<project>" in last:
        return answer_about_project(str(messages[0].get("content", "")))
    found = _BRIEF.search(last)
    wants_object = "one JSON object" in str(messages[0].get("content", ""))
    if found is None:
        return "{}" if wants_object else f"You said: {last[:200]}"
    brief = json.loads(found[1])
    return json.dumps(_plan(brief)) if wants_object else _told(brief)


def _told(brief: Mapping[str, Any]) -> str:
    """How the workflows are."""
    lines = [
        f"{workflow['workflow_type']} is {workflow['status']}, {workflow['percent']} % complete. {workflow['headline']}"
        for workflow in brief["workflows"]
    ]
    return "\n".join(lines) or "No workflow is there yet."


def _plan(brief: Mapping[str, Any]) -> dict[str, Any]:
    words = _words(brief["message"])
    questions = brief["open_questions"]
    if questions and words & (_APPROVALS | _REFUSALS):
        return {"kind": "decide", "decisions": [_decision(questions[0], approved=bool(words & _APPROVALS))]}
    if words & _STOPS:
        return _cancel(brief["workflows"])
    if words & _ASKS:
        return {"kind": "answer"}
    return _launch(brief["workflow_types"], words)


def _cancel(workflows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    live = [workflow["workflow_id"] for workflow in workflows if workflow["status"] in ("QUEUED", "RUNNING", "WAITING")]
    return {"kind": "cancel", "cancels": live} if live else {"kind": "ask_back", "text": "Nothing runs. What now?"}


def _launch(types: Sequence[Mapping[str, Any]], words: set[str]) -> dict[str, Any]:
    """Start the type with the most words in common, with the input of the example with the most."""
    ranked = sorted(types, key=lambda known: -len(words & _words(json.dumps(known, ensure_ascii=False))))
    if not ranked or not words & _words(json.dumps(ranked[0], ensure_ascii=False)):
        return {"kind": "ask_back", "text": "What would you like me to do?"}
    examples = sorted(ranked[0]["examples"], key=lambda example: -len(words & _words(example["says"])))
    given = examples[0]["input"] if examples else {}
    return {"kind": "launch", "launches": [{"workflow_type": ranked[0]["name"], "input": given}]}


def _decision(question: Mapping[str, Any], *, approved: bool) -> dict[str, Any]:
    properties = question["decision_schema"].get("properties", {})
    given: dict[str, Any] = {}
    for name, schema in properties.items():
        wanted = "APPROVE" if approved else "REJECT"
        if schema.get("type") == "boolean":
            given[name] = approved
        elif values := [value for value in schema.get("enum", ()) if wanted in str(value).upper()]:
            given[name] = values[0]
        elif not approved and name in ("reason", "comment"):
            given[name] = "As the user says."
    return {"interrupt_id": question["interrupt_id"], "decision": given or {"approved": approved}}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower())) - _SMALL
