# SPDX-License-Identifier: GPL-2.0-only
"""The page: one HTML file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from results.page.bundle import Bundle
from results.text import one_line, printable

TEMPLATE = Path(__file__).with_name("page.html")

# No character of these can be part of a tag, of a comment or of an entity.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def render(document: Mapping[str, Any], bundle: Bundle) -> str:
    """The text of the file. What comes from a target is in the data block, and, without scripts, in escaped text."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["line"] = one_line
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    text: str = template.render(
        document=document,
        policy=_policy(bundle),
        style=Markup(bundle.style),
        script=Markup(bundle.script),
        licences=printable(bundle.licences),
        data=Markup(data_block(document)),
    )
    return text


def data_block(document: Mapping[str, Any]) -> str:
    """JSON in ASCII that can't end the element which it stands in."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _policy(bundle: Bundle) -> str:
    """The content security policy: our script and our style and nothing else, wherever it may come from."""
    own = {name: _digest(text) for name, text in (("script-src", bundle.script), ("style-src", bundle.style))}
    rules = ["default-src 'none'", *(f"{name} '{value}'" for name, value in own.items())]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"])


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
