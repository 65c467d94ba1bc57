"""YAML and JSON without YAML's surprises: `no`, dates, 12:30 and 007 stay text, a repeated key is an error."""

import itertools
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from flows.errors import TaperlineError

DEEPEST = 100
"""Levels of nesting. Far deeper ones would end the process: the parser is written in C."""


class UnreadableError(TaperlineError):
    """A file that is not YAML or JSON; the text names the file and the line."""


class _PlainLoader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own way to be told)
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_document(self, node: yaml.Node) -> Any:
        return self.construct_object(node, deep=True)  # deep: something that holds itself is refused

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_NUMBER_STARTS = list("-+.0123456789")
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), _NUMBER_STARTS)
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
    _NUMBER_STARTS,
)


def read(text: str, name: str) -> Any:
    """The content of a YAML or JSON text; `name` is the file's name, for the error."""
    text = text.removeprefix("\ufeff")
    try:
        if text.lstrip().startswith("{"):
            with suppress(json.JSONDecodeError):  # then it may be YAML that begins with a brace
                return _json(text)
        depth = 0
        for event in yaml.parse(text, Loader=_PlainLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            _refuse_deep(depth)
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(f"{name}, line {line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableError(f"{name} cannot be read as YAML or JSON: {error}") from error


def _json(text: str) -> Any:
    """JSON as it is exchanged: PyYAML stumbles over tabs, and over an emoji written as two escapes."""
    without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    _refuse_deep(max(itertools.accumulate((char in "[{") - (char in "]}") for char in without_strings)))
    content = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    json.dumps(content, ensure_ascii=False).encode()  # half an emoji raises ValueError
    return content


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} stands twice")
        found[key] = value
    return found


def _refuse_deep(depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")
