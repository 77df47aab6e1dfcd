"""YAML with the Pulumi engine's rules, so that a plan reads a stack file as the engine will.

The engine reads with Go's yaml.v3, a mix of YAML 1.1 and 1.2, and hands values to programs as JSON. PyYAML parses;
the values of plain scalars, keys, merges and limits are decided here. Source: gopkg.in/yaml.v3 3.0.1 (resolve.go,
decode.go), github.com/pulumi/pulumi/sdk/v3 3.259.0 (go/common/workspace/loaders.go, go/common/resource/config).
"""

import base64
import codecs
import math
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import Resolver

# libyaml, which yaml.v3 was made from. Where PyYAML has come without it, a tab more or less is judged otherwise.
Parser: Any = vars(yaml)["cyaml"].CParser if yaml.__with_libyaml__ else yaml.SafeLoader

TOO_DEEP: Final = "lists and mappings are nested too deep for a program to read; 100 levels are the most"
MOST_REPEATED_NODES: Final = 100_000
"""Nodes that aliases may repeat. The engine refuses a file of which 99 % are repeated."""

_PLAIN = "plain"
_STANDARD = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = (
    dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf)
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf)
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<b16>[0-9a-fA-F]+)|0[bB](?P<b2>[01]+)|0[oO]?(?P<b8>[0-7]+)|(?P<b10>0|[1-9][0-9]*))"
)
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]| +)(\d\d?):(\d\d?):(\d\d?)(?:[.,](\d+))?)?(?<=\d)(Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_OTHER_VERSION = re.compile(rb"(?:#[^\n]*\n|\s)*%YAML[ \t]+(?!1\.1\s)")
_KINDS = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}


class YamlError(ValueError):
    """A text that the engine does not take, with the place of the problem."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The first document of a text; the engine passes over all others."""

    data: Any
    """JSON data. A point in time without quotes is text as Go prints it: `2027-01-31 12:00:00 +0000 UTC`."""
    has_others: bool


def read_yaml(content: bytes) -> YamlDocument:
    """The value that the engine takes from the text; YamlError for what it refuses."""
    if _OTHER_VERSION.match(content):
        raise YamlError("the engine reads YAML 1.1 only; remove the line %YAML")
    try:
        loader = _Loader(content)
        node = loader.get_node() if loader.check_node() else None
        data = None if node is None else _Values().value(node)
        return YamlDocument(data, _has_another(loader))
    except yaml.MarkedYAMLError as error:
        raise YamlError(_reason(error, content)) from None
    except yaml.reader.ReaderError as error:
        raise YamlError(_unreadable(content) or error.reason) from None
    except RecursionError:
        raise YamlError(TOO_DEEP) from None


def _has_another(loader: "_Loader") -> bool:
    try:
        return bool(loader.check_node())
    except yaml.YAMLError:
        return True


_REMEDIES = {
    "did not find expected": "add it, or correct the indentation",
    "unexpected end of stream": "close the quotes",
    "unknown escape character": "write the text in single quotes",
    "mapping values are not allowed": "indent the keys of a mapping alike, and write a text with a colon in quotes",
    "undefined alias": "write the value, and in quotes a text that begins with *",
}
"""Remedy of each of libyaml's problems, by words of its message."""


def _reason(error: yaml.MarkedYAMLError, content: bytes) -> str:
    mark, begin = error.problem_mark or error.context_mark, error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    what = str(error.problem or error.context)
    if mark and what == "found character that cannot start any token":
        letter = content.decode(errors="replace").splitlines()[mark.line][mark.column]
        what = (
            "a tab; indent with spaces" if letter == "\t" else f"a value cannot begin with {letter}; write it in quotes"
        )
    since = f" (of what begins in line {begin.line + 1})" if mark and begin and begin.line != mark.line else ""
    return f"{place}{what}{since}{next((f'; {remedy}' for words, remedy in _REMEDIES.items() if words in what), '')}"


def _unreadable(content: bytes) -> str:
    """The line and the byte or character that no YAML holds."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)) else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return f"line {line}: byte 0x{content[error.start]:02x} is not {encoding.upper()}; save the file as UTF-8"
    if not (found := yaml.reader.Reader.NON_PRINTABLE.search(text)):
        return ""
    line = text[: found.start()].count("\n") + 1
    return f"line {line}: U+{ord(found[0]):04X} is a control character; remove it"


class _Loader(Composer, Parser, Resolver):  # type: ignore[misc]
    """Nodes of the first document; a plain scalar without a tag is left for the engine's rules to resolve."""

    def __init__(self, content: bytes) -> None:
        Parser.__init__(self, content)
        Composer.__init__(self)
        Resolver.__init__(self)

    def compose_node(self, parent: Node | None, index: Any) -> Node:
        """An anchor may be given anew."""
        event: Any = self.peek_event()
        if not isinstance(event, yaml.AliasEvent) and event.anchor:
            self.anchors.pop(event.anchor, None)
        return cast("Node", super().compose_node(parent, index))

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:
        if kind is ScalarNode and implicit[0]:
            return _PLAIN
        return cast("str", super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


class _Values:
    """Values of nodes, with the engine's limits on what aliases repeat."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._open: list[Any] = []
        self._repeated = 0

    def value(self, node: Node) -> Any:
        self._count(node)
        if isinstance(node, ScalarNode):
            if "?" in node.value and node.tag == _PLAIN and self._open and self._open[-1].flow_style:
                raise _refused(node, f"{node.value!r} holds a question mark; write it in quotes")
            return _json_number(node, _resolved_scalar(node))
        self._open.append(node)
        found = (
            dict(self._pairs(node)) if isinstance(node, MappingNode) else [self.value(child) for child in node.value]
        )
        self._open.pop()
        return found

    def _count(self, node: Node) -> None:
        if node in self._open:
            raise _refused(node, "an anchor stands inside of itself; write the value there")
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > MOST_REPEATED_NODES:
            raise _refused(node, "aliases repeat too much")

    def _pairs(self, node: MappingNode) -> Iterator[tuple[str, Any]]:
        """The mappings merged in, first of all, so that the mapping's own keys win."""
        _refuse_repeated_keys(node)
        for key, merged in node.value:
            if _is_merge(key):
                yield from self._merged(merged)
        for key, child in node.value:
            if not _is_merge(key):
                yield self._key(key), self.value(child)

    def _merged(self, node: Node) -> Iterator[tuple[str, Any]]:
        """Of a list the first has the last word."""
        for source in reversed(node.value) if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                raise _refused(source, "`<<` merges a mapping, or a list of mappings; write one")
            yield from self.value(source).items()

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise _refused(node, "a key is a list or a mapping; write a text")
        match _resolved_scalar(node):
            case float(value) if value.is_integer():
                return str(int(value))
            case None:
                return "<nil>"
            case bool(value):
                return str(value).lower()
            case value:
                return str(value)


def _refuse_repeated_keys(node: MappingNode) -> None:
    first: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, ScalarNode):
            if key.value in first:
                raise _refused(key, f"{key.value!r} is given twice; remove one")
            first.add(key.value)


def _is_merge(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "<<" and node.tag in (_PLAIN, f"{_STANDARD}merge")


def _resolved_scalar(node: ScalarNode) -> Any:
    tag = node.tag.removeprefix(_STANDARD)
    if any("\ud800" <= letter <= "\udfff" for letter in node.value):
        raise _refused(node, "the text holds half of a character (a surrogate)")
    if tag == "binary":
        return _from_base64(node)
    if tag == _PLAIN:
        return _resolved(node.value, with_times=True)
    if tag not in ("bool", "int", "float", "null", "timestamp"):
        return node.value
    return _tagged(node, tag)


def _tagged(node: ScalarNode, tag: str) -> Any:
    value = _resolved(node.value, with_times=tag == "timestamp")
    kind = "timestamp" if value != node.value and isinstance(value, str) else _KINDS[type(value)]
    if kind != tag and (kind, tag) != ("int", "float"):
        raise _refused(node, f"{node.value!r} is not a !!{tag}; remove the tag, or correct the value")
    return value


def _from_base64(node: ScalarNode) -> str:
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", node.value), validate=True).decode(errors="replace")
    except ValueError:
        raise _refused(node, "the value of !!binary is not base64; remove the tag, or correct it") from None


def _resolved(text: str, *, with_times: bool) -> Any:
    """The value of a plain scalar: null, true or false, a number, a point in time as Go's text, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] == ".":
        return float(text) if _FLOAT.fullmatch(text) and math.isfinite(float(text)) else text
    if text[:1] not in "+-0123456789":
        return text
    if with_times and (moment := _point_in_time(text)):
        return moment
    plain = text.replace("_", "")
    if (whole := _whole(plain)) is not None:
        return whole
    if _FLOAT.fullmatch(plain) and math.isfinite(float(plain)):
        return float(plain)
    return text


def _whole(text: str) -> int | None:
    """The number, where Go has room for it: 64 bits, without a sign one bit more."""
    found = _INTEGER.fullmatch(text)
    if not found:
        return None
    base, digits = next((int(base[1:]), found[base]) for base in ("b16", "b2", "b8", "b10") if found[base])
    value = int(digits, base) * (-1 if found["sign"] == "-" else 1)
    most = 2**63 if found["sign"] else 2**64
    return value if -(2**63) <= value < most else None


def _point_in_time(text: str) -> str:
    """As Go prints it, "" where it is none. Without a zone it is UTC."""
    found = _TIME.fullmatch(text)
    if not found:
        return ""
    day, clock, zone = found.group(1, 2, 3), found.group(4, 5, 6), found[8] or ""
    if bool(zone) != bool(re.match(r"\d+-\d+-\d+[Tt]", text)):
        return ""
    year, month, date = map(int, day)
    hour, minute, second = (int(part or 0) for part in clock)
    east, west = (int(zone[1:3]), int(zone[4:6])) if zone not in ("", "Z") else (0, 0)
    if not (1 <= month <= 12 and 1 <= date <= _days(year, month) and hour < 24 and minute < 60 and second < 60):
        return ""
    if east > 24 or west > 60:
        return ""
    fraction = (found[7] or "")[:9].rstrip("0")
    offset = f"{zone[0]}{east:02}{west:02}" if zone not in ("", "Z") else "+0000"
    moment = f"{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}{'.' if fraction else ''}{fraction}"
    return f"{moment} {offset} {'UTC' if offset in ('+0000', '-0000') else offset}".replace("-0000", "+0000")


def _days(year: int, month: int) -> int:
    return monthrange(year or 4, month)[1]


def _json_number(node: ScalarNode, value: Any) -> Any:
    """As it comes out of Go's JSON: whole below 1e21 however it was written, and beyond 63 bits no more exact."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**63:
        value = float(value)
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise _refused(node, f"{node.value} is not a number that the engine can hand on; write one in digits")
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value


def _refused(node: Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
