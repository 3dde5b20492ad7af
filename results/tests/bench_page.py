# SPDX-License-Identifier: GPL-2.0-only
"""`make bench-page`: how soon a page of 5,000 results is there, and how long a change of the filter takes until it is painted."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from results.page import bundle, render
from results.tests.browser import Browser, opened
from results.tests.build_page import large_run, page

RESULTS = 5000
TIMES = 9

# From the start of the navigation, by the browser's own clock.
_OPENED = """
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return [performance.getEntriesByName("shown")[0].startTime, paint.startTime];
"""

# What was typed is there when the second frame after it begins: then the first one has been painted.
_TYPED = """
const [text, done] = [arguments[0], arguments[arguments.length - 1]];
const field = document.querySelector("input[type=search]");
const begun = performance.now();
field.value = text;
field.dispatchEvent(new Event("input"));
const computed = performance.now();
requestAnimationFrame(() => requestAnimationFrame(() => done([computed - begun, performance.now() - begun])));
"""


def _opened(browser: Browser, path: Path, view: str) -> tuple[float, float]:
    browser.open(path, f"#view={view}")
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    shown, painted = browser.script(_OPENED)
    return shown, painted


def main() -> int:
    """Prints the medians, in ms."""
    with TemporaryDirectory() as name, opened() as browser:
        path = Path(name) / "page.html"
        path.write_text(render.render(page(large_run(RESULTS)), bundle.obtain()), "utf-8")
        print(f"{RESULTS} results, {path.stat().st_size / 1e6:.1f} MB; medians of {TIMES}, in ms")
        for view in ("overview", "tests", "requirements"):
            shown, painted = (median(one) for one in zip(*(_opened(browser, path, view) for _ in range(TIMES))))
            print(f"open {view:<14} script done {shown:6.0f}   first painted {painted:6.0f}")
        for view in ("tests", "requirements"):
            browser.open(path, f"#view={view}")
            first = browser.driver.execute_async_script(_TYPED, "test_")
            print(f"{view}: the first letter, which makes the index: {first[0]:.0f}, painted {first[1]:.0f}")
            for text in ("subject3", "kernel's log", "test_49", ""):
                computed, painted = (median(one) for one in zip(*(browser.driver.execute_async_script(_TYPED, text) for _ in range(TIMES))))
                print(f"{view}: filter {text!r:<16} {computed:6.1f}   painted {painted:6.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
