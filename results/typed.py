# SPDX-License-Identifier: GPL-2.0-only
"""Turns a JSON object into a dataclass and says precisely what is wrong with it."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, Mapping, TypeVar

T = TypeVar("T")


class ShapeError(ValueError):
    """A JSON value has not the shape it must have; the text names the key."""


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
    # bool is an int in Python, but not in JSON
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ShapeError(f"'{key}' is no {_NAMES[hint]}")
    return value


_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
