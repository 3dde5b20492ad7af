# SPDX-License-Identifier: GPL-2.0-only
"""Text from a target on its way into a report: any byte may be in it."""

from __future__ import annotations

import re

# What XML 1.0 (2.2) has no place for, not even as a reference, and a terminal would act on; DEL and C1 too.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """The text with every control character and lone surrogate replaced by U+FFFD; tabs and newlines stay."""
    return _FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The printable text with runs of white space, newlines too, made one space."""
    return " ".join(printable(text).split())


def crop(text: str, width: int) -> str:
    """At most `width` characters of the text; what is cut off is marked."""
    return text if len(text) <= width else text[: width - 3] + "..."


def seconds(duration_ns: int) -> str:
    """A duration for people, to the millisecond."""
    return f"{duration_ns / 1e9:.3f} s"
