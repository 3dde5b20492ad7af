# SPDX-License-Identifier: GPL-2.0-only
"""Reads JSON that others wrote: strictly, and into dataclasses, saying precisely what is wrong with it."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from typing import Any, Iterable, Mapping, TypeVar

T = TypeVar("T")

_INTEGERS = range(-(2**63), 2**64)


class ShapeError(ValueError):
    """A JSON value has not the shape it must have; the text names the key."""


def parse_json(text: str | bytes, depth_max: int) -> Any:
    """The JSON value that takes up all of `text`. ValueError if it is none.

    What Python's reader takes and its writer chokes on later is refused here: NaN and Infinity, a number beyond a double, and more
    than `depth_max` containers inside each other.
    """
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level, depth = _containers([value]), 0
    while level:
        depth += 1
        if depth > depth_max:
            raise ValueError("nested too deep")
        level = [inner for outer in level for inner in _containers(outer.values() if isinstance(outer, dict) else outer)]
    return value


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def decode(cls: type[T], value: Mapping[str, Any]) -> T:
    """Makes a `cls` (a dataclass of plain JSON types, lists and dataclasses) from a JSON object.

    A key that the class doesn't know is ignored, as stream.md asks of readers; a key that is missing and has
    no default, or has the wrong type, raises ShapeError.
    """
    kind: Any = cls
    hints = _hints(kind)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            found[field.name] = _convert(hints[field.name], value[field.name], field.name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ShapeError(f"no '{field.name}'")
    return cls(**found)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any, key: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        return None if value is None else _convert(inner[0], value, key)
    if origin is list:
        if not isinstance(value, list):
            raise ShapeError(f"'{key}' is no list")
        (item,) = typing.get_args(hint)
        return [_convert(item, one, f"{key}[{index}]") for index, one in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise ShapeError(f"'{key}' is no object")
        return value
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ShapeError(f"'{key}' is no object")
        try:
            return decode(typing.cast(type, hint), value)
        except ShapeError as error:
            raise ShapeError(f"{key}: {error}") from None
    if isinstance(value, int) and value not in _INTEGERS:
        raise ShapeError(f"'{key}' has more than 64 bits")
    # bool is an int in Python, but not in JSON
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ShapeError(f"'{key}' is no {_NAMES[hint]}")
    return value


_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
