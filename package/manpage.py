# SPDX-License-Identifier: GPL-2.0-only
"""python3 package/manpage.py VERSION DATE DATA DOC: iommu-cts(1) on standard output, of iommu-cts.1.in and of the command line itself.
DATA and DOC are the folders in which suite and manual will be.

The argparse-manpage of Debian 12 leaves out the exit codes of a subcommand and fills its usage like prose, so this is one of our own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from runner import cli  # noqa: E402


def escaped(text: str) -> str:
    """Text as roff wants it: nothing in it is a request, and a hyphen is one that can be copied."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").splitlines()
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)


def _expanded(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """The help of an argument with its %(default)s and its %% filled in, as argparse prints it."""
    return argparse.HelpFormatter(parser.prog)._expand_help(action) if action.help else ""


def _argument(action: argparse.Action, parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = argparse.HelpFormatter(parser.prog)
    value = formatter._format_args(action, formatter._get_default_metavar_for_optional(action)) if action.nargs != 0 else ""
    if action.option_strings:
        names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in action.option_strings)
        yield f".TP\n{names}{f' {escaped(value)}' if value else ''}"
    else:
        yield f".TP\n{escaped(formatter._format_action_invocation(action))}"
    yield from ([escaped(_expanded(action, parser))] if action.help else ["\\&"])


def _synopsis(parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return f".PP\n.B {escaped(parser.prog)}\n{escaped(usage.removeprefix(parser.prog).strip())}"


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A section of each subcommand, and of those of these, in the order of --help."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, one in action.choices.items():
            yield f".SS {escaped(one.prog)}"
            title = helps.get(name, "")
            yield f"{escaped(title[:1].upper() + title[1:])}."
            own = [inner for inner in one._actions if not isinstance(inner, (argparse._HelpAction, argparse._SubParsersAction))]
            # What has parts and nothing else of its own is described by them.
            if own or not any(isinstance(inner, argparse._SubParsersAction) for inner in one._actions):
                yield _synopsis(one)
            for argument in own:
                yield from _argument(argument, one)
            if one.epilog:
                yield f".PP\n.nf\n{escaped(one.epilog.strip())}\n.fi"
            yield from commands(one)


def page(version: str, day: str, data: str, doc: str) -> str:
    """The whole page."""
    text = (HERE / "iommu-cts.1.in").read_text("utf-8")
    parser = cli.parser()
    parts = {"VERSION": version, "DATE": day, "DATA": escaped(data), "DOC": escaped(doc), "CODES": escaped((parser.epilog or "").strip())}
    parts["COMMANDS"] = "\n".join(commands(parser))
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text


if __name__ == "__main__":
    sys.stdout.write(page(*sys.argv[1:]))
