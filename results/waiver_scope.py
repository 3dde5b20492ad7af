# SPDX-License-Identifier: GPL-2.0-only
"""What a waiver is for: patterns, ranges of kernel releases, devices. What is wrong with them is told in words."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping

from runner import catalogue

Release = tuple[int, int, int, float]

# A release candidate comes as 6.12.0-rc3, as 6.12~rc3-1~exp1 from Debian and as 6.12.0-0.rc3.20241018git from Fedora.
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:(?:-|~|-0\.)rc(\d+))?(?!\d)")
_CONDITION = re.compile(r"(>=|<=|>|<)\s*(\d+\.\d+(?:\.\d+)?(?:-rc\d+)?)")
_DEVICE = re.compile(
    r"[0-9a-f*]{1,4}:[0-9a-f*]{1,4}|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


def fits(pattern: str, value: str) -> bool:
    """`*` stands for any characters; nothing else in a pattern is special."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None


def release(text: str) -> Release | None:
    """A kernel release as what can be compared: a candidate is before its release, and what a distribution adds is of no matter. None if
    it does not begin like one."""
    found = _RELEASE.match(text)
    if not found:
        return None
    major, minor, patch, candidate = found.groups()
    return int(major), int(minor), int(patch or 0), int(candidate) if candidate else math.inf


def is_range(text: str) -> bool:
    """Does it say how kernels compare, and not what their names look like?"""
    return text.lstrip()[:1] in ("<", ">", "=")


def wrong_kernel(text: str) -> str | None:
    """What is wrong with `kernel`."""
    if is_range(text) and not all(_CONDITION.fullmatch(part.strip()) for part in text.split(",")):
        return f"'kernel' is no range such as '>=6.12, <7.4': {text}"
    return None


def kernel_in(text: str | None, kernel: str | None) -> bool:
    """Is this kernel meant? One whose release nobody knows is in no range."""
    if text is None or kernel is None:
        return text is None
    if not is_range(text):
        return fits(text, kernel)
    mine = release(kernel)
    return mine is not None and all(_holds(mine, part.strip()) for part in text.split(","))


def _holds(mine: Release, condition: str) -> bool:
    found = _CONDITION.fullmatch(condition)
    other = release(found[2]) if found else None
    if found is None or other is None:
        return False
    return {">=": mine >= other, "<=": mine <= other, ">": mine > other, "<": mine < other}[found[1]]


def wrong_device(text: str) -> str | None:
    """What is wrong with one `device`."""
    if _DEVICE.fullmatch(text):
        return None
    return f"'device' is neither vendor:device such as 8086:10c9 nor an address such as 0000:01:00.0: {text}"


def device_in(patterns: tuple[str, ...], device: str | None, ids: Mapping[str, str]) -> bool:
    """Is this device meant, by its address or by its vendor and device id (`ids`, by address)?"""
    if not patterns:
        return True
    return device is not None and any(fits(pattern, device) or fits(pattern, ids.get(device, "")) for pattern in patterns)


@functools.cache
def _groups() -> list[frozenset[str]]:
    """The requirements of each subject, and of each beginning of their ids."""
    found: dict[tuple[str, str], set[str]] = {}
    for name, one in catalogue.requirements().items():
        found.setdefault(("subject", one.subject), set()).add(name)
        found.setdefault(("prefix", name.rsplit("-", 1)[0]), set()).add(name)
    return [frozenset(names) for names in found.values() if len(names) > 1]


def too_wide(test: str | None, requirement: str | None) -> str | None:
    """What is wrong with patterns that say little, wherever they are used."""
    if test is not None:
        subject, _, rest = test.partition("/")
        if "*" in subject or not rest.strip("*/@"):
            return f"'test' is too broad: name the subject and more of the path, as in pci/msix/*: {test}"
    if requirement is not None and "*" in requirement:
        if any(all(fits(requirement, name) for name in group) for group in _groups()):
            return f"'requirement' is too broad: it is all of a subject: {requirement}"
    return None
