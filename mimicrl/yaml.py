"""Strict YAML: duplicate keys are errors, ``1e-3`` is a number, and the line of every value is known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from mimicrl.errors import ConfigError

Location = tuple[str | int, ...]


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader without its three traps."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is given twice: by YAML's rules the last one would silently win."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a plain word", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Read 1e6 as a whole number, so that a count can be written in this form."""
        value = super().construct_yaml_float(node)
        return int(value) if value.is_integer() and "." not in node.value else value


class _StrictDumper(yaml.SafeDumper):
    """A safe dumper that quotes text which the loader would read as a number."""


# YAML 1.1 wants a dot and a sign in exponents and so reads 1e-3 and 1e6 as text.
_NUMBER = re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
for _kind in (_StrictLoader, _StrictDumper):
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+0123456789"))
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)
# PyYAML raises the last two for an impossible date and for an alias that contains itself.
_YAML_ERRORS = (yaml.YAMLError, ValueError, RecursionError)


def load(path: Path) -> tuple[dict[str, Any], dict[Location, int]]:
    """Read a YAML file of the configuration, whose top is a mapping.

    Returns:
        See `loads`.

    Raises:
        ConfigError: The file is missing, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot read the configuration", where=path, got=error) from error
    return loads(text, str(path))


def loads(text: str, where: str) -> tuple[dict[str, Any], dict[Location, int]]:
    """Read YAML text whose top is a mapping.

    Args:
        text: The text.
        where: What errors call it.

    Returns:
        Its content, and the line number of each value by its path of keys.

    Raises:
        ConfigError: The text is not YAML, or not a mapping.
    """
    try:
        node = yaml.compose(text, _StrictLoader)
        data = {} if node is None else yaml.load(text, _StrictLoader)  # a safe loader
        lines = dict(_lines(node, ())) if node else {}
    except _YAML_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        got = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ConfigError("not valid YAML", where=place, got=got) from error
    if not isinstance(data, dict):
        raise ConfigError("the top level must be a mapping", where=where, got=type(data).__name__)
    return data, lines


def _lines(node: yaml.Node, location: Location) -> list[tuple[Location, int]]:
    found = [(location, node.start_mark.line + 1)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = _lines(value, (*location, key.value))
            found.extend([(below[0][0], key.start_mark.line + 1), *below[1:]])
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found.extend(_lines(value, (*location, index)))
    return found


def parse(text: str) -> Any:
    """Read one value, as in ``--set key=value``.

    Raises:
        ConfigError: It is not YAML.
    """
    try:
        return yaml.load(text, _StrictLoader)  # a safe loader
    except _YAML_ERRORS as error:
        raise ConfigError("not a YAML value", where="--set", got=text) from error


def as_json(data: dict[str, Any], where: object) -> str:
    """Return the content as JSON, in which only text, numbers, booleans, lists and mappings exist.

    Raises:
        ConfigError: A value is something else, such as a date or a NaN.
    """
    try:
        return json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError("a value is neither text nor a finite number", where=where, got=error) from error


def dump(data: Any) -> str:
    """Return YAML that keeps the order of the keys."""
    return yaml.dump(data, Dumper=_StrictDumper, sort_keys=False, allow_unicode=True, width=120)
