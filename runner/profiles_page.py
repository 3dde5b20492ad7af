# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts profiles`: what each claim demands, on the terminal and as docs/profiles.md.

`python3 -m runner.profiles_page` says whether the page is what the profiles are.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.errors import LabError, UsageError
from results.markdown import plain, table
from runner import catalogue, profiles, suite
from runner.catalogue import Requirement
from runner.profiles import Profile

DOCUMENT = suite.TOP / "docs" / "profiles.md"
REMAKE = "iommu-cts profiles --markdown docs/profiles.md"

Commands = argparse._SubParsersAction


def add_profiles(commands: "Commands[argparse.ArgumentParser]", console: Callable[[], Console]) -> None:
    """`iommu-cts profiles`; `console` is for tables."""
    one = commands.add_parser("profiles", help="show what can be claimed of a kernel, and what each claim demands")
    one.add_argument("name", nargs="*", metavar="NAME", help="show all that these demand (default: a line for each profile)")
    one.add_argument("--markdown", type=Path, metavar="FILE", help="write all of them to a file; docs/profiles.md is made so")
    one.set_defaults(call=lambda arguments: run(arguments, console()))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Shows or writes the profiles. UsageError for a name that there is not, or a file that can't be written."""
    known = catalogue.requirements()
    if arguments.markdown:
        if arguments.name:
            raise UsageError("--markdown writes all profiles: name none")
        try:
            arguments.markdown.write_text(markdown(_all(known), known), "utf-8")
        except OSError as error:
            raise UsageError(f"--markdown {arguments.markdown}: can't be written: {error.strerror}") from error
    elif arguments.name:
        for profile in profiles.find(arguments.name, known):
            _print(profile, known, console)
    else:
        shown = Table(box=None, header_style="bold", pad_edge=False)
        for heading, justify in (("profile", "left"), ("demanded", "right"), ("conditional", "right"), ("what is claimed", "left")):
            shown.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for profile in _all(known):
            shown.add_row(profile.name, str(len(profile.demanded)), str(len(profile.conditional)), profile.claim)
        console.print(shown)
    return 0


def _all(known: Mapping[str, Requirement]) -> list[Profile]:
    return profiles.find(profiles.names(), known)


def _print(profile: Profile, known: Mapping[str, Requirement], console: Console) -> None:
    console.print(Text(f"{profile.name}: {profile.title}", "bold"))
    console.print(Text(profile.claim))
    if profile.note:
        console.print(Text(f"Note: {profile.note}"))
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("requirement", "demanded", "what is promised"):
        shown.add_column(heading, overflow="fold", no_wrap=heading == "requirement")
    for name in profile.requirements:
        one = known[name]
        promised = one.title + (" (not tested by this suite)" if one.untested else "")
        shown.add_row(name, f"if {profile.conditional[name]}" if name in profile.conditional else "yes", promised)
    console.print(shown)
    console.print()


def _what(name: str, known: Mapping[str, Requirement]) -> list[str]:
    one = known[name]
    return [f"[{name}](coverage.md#{one.subject})", plain(one.title) + ("; *not tested by this suite*" if one.untested else "")]


def markdown(found: Sequence[Profile], known: Mapping[str, Requirement]) -> str:
    """docs/profiles.md."""
    text = ["# What can be claimed of a kernel, and what each claim demands", ""]
    text += [f"Made by `{REMAKE}` from [suites/profiles/](../suites/profiles/), not by hand. How a run is judged by a profile stands in"]
    text += ["[results.md](results.md#claims).", ""]
    text += ["    iommu-cts run --profile vfio-cdev-core            # the tests of what it demands, and whether the claim is held"]
    text += ["    iommu-cts report RUN --profile iommufd-core       # any kept run, judged by any profile"]
    text += ["    iommu-cts profiles pasid                          # what a profile demands", ""]
    text += ["A claim rests on promises that must hold (level `must`). What is *demanded* has to be there; what is *conditional* may be"]
    text += ["absent where the condition does not apply, and has to hold where it is there.", ""]
    text += table(
        ["profile", "demanded", "conditional", "what is claimed"],
        ([f"[{one.name}](#{one.name})", str(len(one.demanded)), str(len(one.conditional)), plain(one.claim)] for one in found),
    )
    for profile in found:
        text += [f"## {profile.name}", "", f"{plain(profile.title)}. {plain(profile.claim)}", ""]
        text += [f"{plain(profile.note)}", ""] if profile.note else []
        text += table(["demanded", "what is promised"], [_what(name, known) for name in profile.demanded])
        if profile.conditional:
            text += table(
                ["conditional", "what is promised", "demanded where"],
                ([*_what(name, known), plain(when)] for name, when in profile.conditional.items()),
            )
    text += ["## Of no claim", ""]
    text += ["Promises that must hold and that no profile names: most are about the suite's own test devices, or about devices behind no"]
    text += ["IOMMU. A run judges them like any other.", ""]
    text += table(["requirement", "what is promised"], (_what(name, known) for name in profiles.of_none(found, known)))
    return "\n".join(text)


def stale() -> str | None:
    """What is wrong with docs/profiles.md; None if it is what the profiles are. LabError if these don't fit the catalogue."""
    known = catalogue.requirements()
    wrong = profiles.problems(known)
    if wrong:
        raise LabError("\n  ".join(["the profiles do not fit the catalogue:", *wrong]))
    if not DOCUMENT.is_file():
        return f"docs/profiles.md is not there: make it by `{REMAKE}`"
    if DOCUMENT.read_text("utf-8") != markdown(_all(known), known):
        return f"docs/profiles.md is not what the profiles are: make it again by `{REMAKE}`"
    return None


def main() -> int:
    """Returns 1 if docs/profiles.md is stale."""
    try:
        problem = stale()
    except LabError as error:
        problem = f"docs/profiles.md: {error}"
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
