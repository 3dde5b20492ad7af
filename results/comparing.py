# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts compare`: what of one kernel is more, less or different than of another."""

import argparse

from results import calibration, compare_json, compare_markdown, compare_text, gates, sides
from results.compare import compare
from results.rows import ERROR

EXIT_HIT = 1
EXIT_ERROR = 3


def run(arguments: argparse.Namespace) -> int:
    """Prints the comparison and returns the exit code: EXIT_HIT if a gate was hit, else EXIT_ERROR if a row or a gate knows nothing."""
    limits = [gates.parse(text) for text in arguments.fail_on]
    loaded = [sides.load(operand) for operand in [arguments.old, *arguments.new]]
    compared = [(one, gates.judge(limits, one)) for one in compare(loaded, arguments.force, calibration.find)]
    words = [outcome.word for _, outcomes in compared for outcome in outcomes]
    errors = any(one.with_verdict(ERROR) for one, _ in compared)
    code = EXIT_HIT if "hit" in words else EXIT_ERROR if errors or "unknown" in words else 0
    if arguments.json:
        text = compare_json.render(compared, code)
    else:
        text = compare_markdown.render(compared) if arguments.markdown else compare_text.render(compared)
    print(text, end="")
    if arguments.html:
        from results.page import command, sources

        command.write(arguments.html, sources.of_comparison([arguments.old, *arguments.new], loaded, [one for one, _ in compared]))
    return code
