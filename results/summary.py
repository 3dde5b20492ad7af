# SPDX-License-Identifier: GPL-2.0-only
"""The summary of a run for a terminal: at most WIDTH columns, and a green run of 60 tests fits a screen."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Iterable

from rich.console import Console
from rich.text import Text

from results import claims_text
from results.model import COUNTS, Result, Run, counted_as, counts
from results.text import crop, one_line, printable, seconds

WIDTH = 100

# Lines of evidence that are shown of one result; the reports have them all.
EVIDENCE_LINES = 6

_STYLES = {"pass": "green", "fail": "bold red", "known": "yellow", "error": "bold magenta",
           "miss": "bold magenta", "skip": "cyan", "done": "green"}


def print_summary(run: Run, console: Console, durations: int = 0) -> None:
    """Prints the summary, with so many of the tests that took longest. Colours are the console's matter (none without a terminal
    or with NO_COLOR)."""
    _Printer(run, console).print(durations)


class _Printer:
    def __init__(self, run: Run, console: Console) -> None:
        self.run = run
        self.console = console

    def print(self, durations: int) -> None:
        self._heading()
        self._table()
        self._bad()
        self._known()
        self._skips()
        self._measurements()
        self._durations(durations)
        self._problems()
        self._claims()
        self.console.print()
        self._line(*self._verdict())
        if self.run.directory is not None:
            self.console.print(Text(self._shown(str(self.run.directory))), soft_wrap=True)

    def _line(self, text: str, style: str = "", rest: str = "") -> None:
        """One line: `text` in a style, then `rest` without. What doesn't fit is cut off and marked."""
        text = crop(self._shown(text), WIDTH)
        line = Text(text, style)
        line.append(crop(self._shown(rest), max(1, WIDTH - len(text))) if rest else "", "default")
        self.console.print(line, soft_wrap=True)

    def _shown(self, text: str) -> str:
        """What the console's encoding has no character for becomes a question mark."""
        return printable(text).encode(self.console.encoding, "replace").decode(self.console.encoding)

    def _title(self, text: str, style: str = "bold") -> None:
        self.console.print()
        self._line(text, style)

    def _heading(self) -> None:
        run = self.run
        parts = [f"host {run.host}"]
        if run.kernel:
            parts.append(f"Linux {run.kernel}")
        if commit := run.suite.get("commit"):
            parts.append(f"suite {str(commit)[:12]}{' with changes' if run.suite.get('dirty') else ''}")
        if run.started is not None and run.finished is not None:
            parts.append(f"{run.finished - run.started:.1f} s")
        self._line(run.id, "bold", "  " + ", ".join(parts))

    def _table(self) -> None:
        rows: dict[str, list[Result]] = {}
        for result in self.run.results:
            rows.setdefault("/".join(result.path.split("/")[:2]), []).append(result)
        if not rows:
            return
        shown = [name for name in COUNTS if counts(self.run.results)[name]]
        width = max([len("total"), *map(len, rows)])
        self.console.print()
        self._line(" " * width, "", "".join(f"{name:>7}" for name in shown))
        for name, results in rows.items():
            self._row(name.ljust(width), counts(results), shown)
        if len(rows) > 1:
            self._row("total".ljust(width), counts(self.run.results), shown)

    def _row(self, name: str, numbers: dict[str, int], shown: list[str]) -> None:
        line = Text(self._shown(name))
        for column in shown:
            number = numbers[column]
            line.append(f"{number or '.':>7}", _STYLES[column] if number else "dim")
        self.console.print(line, soft_wrap=True)

    def _bad(self) -> None:
        for row in ("fail", "error"):
            for result in self._counted(row):
                self._result(result, _STYLES[row])
        missing = self._counted("miss")
        if missing:
            self._title(f"MISS  {len(missing)} planned, never ran", _STYLES["miss"])
        for result in missing:
            self._line("  " + _named(result))

    def _counted(self, row: str) -> list[Result]:
        return [result for result in self.run.results if counted_as(result) == row]

    def _result(self, result: Result, style: str) -> None:
        self.console.print()
        self._line(f"{result.verdict.value}  ", style, _named(result))
        if result.reason is not None:
            self._line(f"  {result.reason.code}: {one_line(result.reason.text)}")
        named = result.reason.text if result.reason else ""
        lines = [line for one in result.evidence for line in one.text.split("\n")]
        lines = [line for line in lines if line.strip() and line.removeprefix("# ") != named]
        for line in lines[:EVIDENCE_LINES]:
            self._line("  | " + line.replace("\t", "    "), "dim")
        if len(lines) > EVIDENCE_LINES:
            self._line(f"  | ... {len(lines) - EVIDENCE_LINES} more in results.json", "dim")
        for note in result.notes:
            self._line("  note: " + one_line(note))

    def _known(self) -> None:
        known = self._counted("known")
        if known:
            self._title(f"known failures  {len(known)}", _STYLES["known"])
        for result in known:
            assert result.waived is not None
            self._line("  " + _named(result))
            self._line(f"    {one_line(result.waived.reason)} (until {result.waived.expires})")
            self._line(f"    {result.waived.url}")

    def _skips(self) -> None:
        reasons = [result.reason for result in self._counted("skip") if result.reason]
        if not reasons:
            return
        self._title(f"SKIP  {len(reasons)} by reason", _STYLES["skip"])
        by_code = Counter(reason.code for reason in reasons)
        for code, number in sorted(by_code.items(), key=lambda item: (-item[1], item[0])):
            texts = Counter(one_line(reason.text) for reason in reasons if reason.code == code)
            more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
            self._line(f"  {number:>4}  {code:<20} {texts.most_common(1)[0][0]}{more}")

    def _measurements(self) -> None:
        rows: list[tuple[str, ...]] = [("measure", "params", "n", "min", "median", "max", "unit", "device")]
        for result in self.run.results:
            for one in result.measurements:
                params = " ".join(f"{key}={value}" for key, value in one.params.items())
                if one.samples:
                    numbers = [f"{number:.6g}" if abs(number) < 1e6 else f"{number:.0f}"
                               for number in (min(one.samples), median(one.samples), max(one.samples))]
                else:
                    numbers = ["-"] * 3
                rows.append((one.measure, params, str(len(one.samples)), *numbers, one.unit,
                             result.device or ""))
        if len(rows) == 1:
            return
        self._title("measurements")
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            self._line("  " + "  ".join(_aligned(row, widths)).rstrip())

    def _durations(self, number: int) -> None:
        took = [(result.duration_ns, result.id) for result in self.run.results if result.duration_ns is not None]
        slowest = sorted(took, key=lambda one: -one[0])[:number]
        if not slowest:
            return
        total = sum(duration for duration, _ in took)
        self._title(f"slowest tests  {len(slowest)} of {len(took)}, which took {seconds(total)} in all")
        for duration, name in slowest:
            self._line(f"{seconds(duration):>12}  {name}")

    def _problems(self) -> None:
        if not self.run.problems:
            return
        self._title(f"problems of the run  {len(self.run.problems)}", _STYLES["error"])
        for problem in self.run.problems:
            first, *rest = problem.text.split("\n")
            self._line(f"  {problem.kind}: {first}")
            for line in rest[:EVIDENCE_LINES]:
                self._line("  | " + line, "dim")

    def _claims(self) -> None:
        for claim in self.run.claims:
            self.console.print()
            self._line(f"claim {claim.profile}  {claim.verdict}", claims_text.STYLES[claim.verdict])
            for line in claims_text.lines(claim):
                self._line("  " + line)

    def _verdict(self) -> tuple[str, str]:
        """The last word and its style."""
        found = counts(self.run.results)
        if self.run.interrupted:
            return "interrupted: what had run is kept", ""
        if found["fail"]:
            return f"{found['fail']} failed", ""
        if self.run.problems or found["error"] or found["miss"]:
            return "nothing was seen broken, but the run is not clean", ""
        if not found["pass"] + found["known"] + found["done"]:
            return "NOTHING WAS TESTED: every test was skipped", "bold yellow"
        return "every promise that was checked held" + (", but for known failures" if found["known"] else ""), ""


def _named(result: Result) -> str:
    return result.id + (f"  [{' '.join(result.requirements)}]" if result.requirements else "")


def _aligned(row: Iterable[str], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [text.rjust(width) if 2 <= at <= 5 else text.ljust(width)
            for at, (text, width) in enumerate(zip(row, widths))]
