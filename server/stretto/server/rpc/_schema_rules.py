"""protovalidate's rules as JSON Schema's words."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import protovalidate
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

Schema = dict[str, Any]

RULES_NUMBER: Final = 1159
"""Number of the extensions `buf.validate.field`, `.message` and `.oneof`."""

_NUMBERS: Final = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
_LENGTHS: Final = {"min_len": "minLength", "max_len": "maxLength"}
_FORMATS: Final = {
    "email": "email",
    "hostname": "hostname",
    "ip": "ip",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "uuid": "uuid",
}
_ITEMS: Final = {"min_items": "minItems", "max_items": "maxItems"}
_PAIRS: Final = {"min_pairs": "minProperties", "max_pairs": "maxProperties"}
_ENDS: Final = ("minimum", "maximum")
_WHEN: Final = {"gt_now": "Must be in the future.", "lt_now": "Must be in the past."}


def field_rules(field: FieldDescriptor) -> Any:
    """The `FieldRules` of a field; empty when it has none."""
    return _rules(field.GetOptions(), "FieldRules")


def oneof_required(oneof: OneofDescriptor) -> bool:
    """Whether one member of it must be set."""
    return bool(_rules(oneof.GetOptions(), "OneofRules").required)


def sentences(message: Descriptor) -> list[str]:
    """The rules of a whole message, in the words of their author."""
    return _told(_rules(message.GetOptions(), "MessageRules"))


def restrict(schema: Schema, rules: Any, field: FieldDescriptor) -> Schema:
    """A schema of a field's value, list or map, narrowed by rules."""
    kind = rules.WhichOneof("type")
    narrowed = {**schema, **_narrow(kind, getattr(rules, kind), schema, field)} if kind else dict(schema)
    if told := [*_told(rules), *_when(rules, kind), *filter(None, [schema.get("description")])]:
        narrowed["description"] = " ".join(told)
    return narrowed


def _narrow(kind: str, own: Any, schema: Schema, field: FieldDescriptor) -> Schema:
    """What the rules of a kind add to a schema, or put in place of something there."""
    if kind == "repeated":
        return _repeated(own, schema, field)
    if kind == "map":
        return _map(own, schema, field)
    if kind == "enum":
        return _enum(own, field)
    if kind == "string":
        return _string(own)
    if kind == "bool":
        return {"const": own.const} if own.HasField("const") else {}
    # Lengths of bytes are not those of their base64; JSON Schema has no words for the rest.
    return {} if kind in {"any", "bytes", "duration", "field_mask", "timestamp"} else _number(own)


@cache
def _classes() -> dict[str, type[Message]]:
    """The rule messages of protovalidate as protobuf's own classes, out of the descriptors that it ships.

    They are in a pool of their own: the default one may hold another release of them, brought along by the user.
    """
    pool = DescriptorPool()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(protovalidate.ViolationPb.desc().file.proto.to_binary())
    names = ("FieldRules", "MessageRules", "OneofRules")
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"buf.validate.{name}")) for name in names}


def _rules(options: Message, name: str) -> Any:
    """The rules in some options: a known extension where somebody has imported it, and else unknown bytes."""
    rules = _classes()[name]()
    for field, value in options.ListFields():
        if field.number == RULES_NUMBER:
            rules.MergeFromString(value.SerializeToString())
    unknown: Any = UnknownFieldSet(options)  # The stubs do not know that it is a sequence.
    for field in unknown:
        if field.field_number == RULES_NUMBER:
            rules.MergeFromString(field.data)
    return rules


def _told(rules: Any) -> list[str]:
    """The sentences of rules in CEL; a rule without one stands for itself."""
    written = [rule.message or rule.expression for rule in rules.cel]
    return [_sentence(words) for words in (*written, *rules.cel_expression)]


def _sentence(words: str) -> str:
    words = words.strip()
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _chosen(own: Any) -> Schema:
    """`const`, `in` and `not_in` of a scalar."""
    found: Schema = {}
    if own.HasField("const"):
        found["const"] = own.const
    if allowed := list(getattr(own, "in")):
        found["enum"] = allowed
    if refused := list(own.not_in):
        found["not"] = {"enum": refused}
    return found


def _number(own: Any) -> Schema:
    found = {word: getattr(own, rule) for rule, word in _NUMBERS.items() if own.HasField(rule)}
    least, most = ([value for word, value in found.items() if word.lower().endswith(end)] for end in _ENDS)
    if least and most and most < least:
        # Bounds the wrong way round allow what lies outside of them.
        found = {"anyOf": [{word: value} for word, value in found.items()]}
    return {**found, **_chosen(own)}


def _string(own: Any) -> Schema:
    found: Schema = {word: getattr(own, rule) for rule, word in _LENGTHS.items() if own.HasField(rule)}
    if own.HasField("len"):
        found["minLength"] = found["maxLength"] = own.len
    patterns = list(_patterns(own))
    if patterns:
        found["pattern"] = patterns[0]
        if len(patterns) > 1:
            found["allOf"] = [{"pattern": pattern} for pattern in patterns[1:]]
    kind = own.WhichOneof("well_known")
    if kind in _FORMATS:
        found["format"] = _FORMATS[kind]
    return {**found, **_chosen(own)}


def _patterns(own: Any) -> Iterable[str]:
    if own.HasField("pattern"):
        yield own.pattern
    if own.HasField("prefix"):
        yield f"^{re.escape(own.prefix)}"
    if own.HasField("suffix"):
        yield f"{re.escape(own.suffix)}$"
    if own.HasField("contains"):
        yield re.escape(own.contains)


def _enum(own: Any, field: FieldDescriptor) -> Schema:
    """The names of the values that the rules leave, of those that mean something."""
    assert field.enum_type is not None
    allowed = {*getattr(own, "in"), *([own.const] if own.HasField("const") else [])}
    left = [value for value in field.enum_type.values if value.number and value.number not in own.not_in]
    return {"enum": [value.name for value in left if not allowed or value.number in allowed]}


def _repeated(own: Any, schema: Schema, field: FieldDescriptor) -> Schema:
    found = {word: getattr(own, rule) for rule, word in _ITEMS.items() if own.HasField(rule)}
    if own.unique:
        found["uniqueItems"] = True
    if own.HasField("items"):
        found["items"] = restrict(schema["items"], own.items, field)
    return found


def _map(own: Any, schema: Schema, field: FieldDescriptor) -> Schema:
    assert field.message_type is not None
    entry = field.message_type.fields_by_name
    found = {word: getattr(own, rule) for rule, word in _PAIRS.items() if own.HasField(rule)}
    if own.HasField("keys"):
        found["propertyNames"] = restrict({}, own.keys, entry["key"])
    if own.HasField("values"):
        found["additionalProperties"] = restrict(schema["additionalProperties"], own.values, entry["value"])
    return found


def _when(rules: Any, kind: str | None) -> list[str]:
    """Rules of times that are told by the clock."""
    if kind != "timestamp":
        return []
    own = rules.timestamp
    return [words for rule, words in _WHEN.items() if own.HasField(rule) and getattr(own, rule)]
