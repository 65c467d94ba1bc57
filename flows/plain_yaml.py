"""YAML and JSON without YAML's surprises: `no` stays a word, a date stays text, a repeated key is an error."""

import re
from typing import Any

import yaml

from flows.errors import TaperlineError


class UnreadableError(TaperlineError):
    """A file that is not YAML or JSON; the text names the file and the line."""


class _PlainLoader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own way to be told)
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read(text: str, name: str) -> Any:
    """The content of a YAML or JSON text; `name` is the file's name, for the error."""
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(f"{name}, line {line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{name} cannot be read as YAML or JSON: {error}") from error
