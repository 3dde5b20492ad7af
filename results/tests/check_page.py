# SPDX-License-Identifier: GPL-2.0-only
"""`make check-page`: the report page in Chromium: what it shows, its filter, keys and colours, on paper, and that it asks nobody."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from results import calibration, sides
from results.compare import compare
from results.page import bundle, command, data, render, sources
from results.tests.browser import Browser, Keys, opened
from results.tests.build_page import HOSTILE, every_verdict_run, hostile_run, large_run, page, two_benches
from runner import run as running

RESULTS = 5000
CHOOSE = """
const one = document.querySelector(arguments[0]);
one.value = arguments[1];
one.dispatchEvent(new Event("change"));
"""


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture(name="pages", scope="module")
def _pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    names = two_benches(folder)
    loaded = [sides.load(name) for name in names]
    compared = compare(loaded, False, lambda host, mode: None)
    made = {
        "plain": page(every_verdict_run(folder)),
        "hostile": page(hostile_run(folder)),
        "large": page(large_run(RESULTS)),
        "hosts": page(large_run(50), large_run(60)),
        "compared": data.build(sources.of_comparison(names, loaded, compared), {}),
    }
    for name, document in made.items():
        (folder / f"{name}.html").write_text(render.render(document, bundle.obtain()), "utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(name="quiet", autouse=True)
def _quiet(browser: Browser) -> Iterator[None]:
    """No page says anything on the console or asks for anything but itself, whatever is done with it."""
    yield
    assert browser.complaints() == []
    assert {address for address in browser.asked() if not address.startswith(("file:", "about:"))} == set()


def test_the_verdict_comes_first(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"])
    assert browser.text(".badge") == "FAIL"
    assert browser.text(".verdict") == "FAIL 3 tests found a promise broken"
    assert [text.strip("\u2717!?") for text in browser.all("#first + .items .tag")] == ["FAIL"] * 3 + ["ERROR", "MISS"]
    assert browser.all("#problems + table td")[1].startswith("the guest\nwould not boot")


def test_every_verdict_is_in_the_list(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"], "#view=tests")
    tags = [text[1:] for text in browser.all("main .item .tag")]
    assert sorted(tags) == sorted(["PASS"] * 3 + ["FAIL"] * 3 + ["KNOWN", "ERROR", "MISS", "SKIP", "SKIP", "DONE"])


def test_evidence_is_one_click_away(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"])
    assert browser.number("main .detail") == 0
    browser.click("#first + .items summary")
    browser.until(lambda: browser.number("#first + .items pre"))
    assert "Expected" in browser.text("#first + .items pre")


def test_what_a_target_says_stays_text(browser: Browser, pages: dict[str, Path]) -> None:
    for view in ("overview", "failures", "requirements", "tests", "skips", "environment"):
        browser.open(pages["hostile"], f"#view={view}")
        for _ in range(2):
            browser.script("document.querySelectorAll('main details').forEach((one) => one.open = true)")
            browser.until(lambda: not browser.number("main details[open]:has(> summary:only-child)"))
        assert browser.number("img, main svg, main script, main h1 ~ h1") == 0
        assert "broken" not in browser.script("return document.title.replace(/document.title='broken'/g, '')")
        hrefs = browser.script("return [...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))")
        assert all(href.startswith(("#", "http://", "https://")) for href in hrefs)
        shown = browser.script("return document.body.innerText")
        assert not set("\x00\x07\x1b\x7f\u202e\u2066") & set(shown)
    browser.open(pages["hostile"], "#view=tests")
    titles = " ".join(browser.all("main .item .short"))
    assert "\u27e8U+202E\u27e9reversed" in titles and "\u241b[31m" in titles and HOSTILE[0] in titles


def test_profiles(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    assert browser.all("#claims + div tbody th") == [HOSTILE[0], "base"]
    assert browser.all("#claims + div b") == ["NOT HELD", "HELD"]
    browser.click("#claims ~ details summary")
    browser.until(lambda: browser.number("#claims ~ details td"))
    assert browser.all("#claims ~ details td")[2] == f"assertion: {HOSTILE[2]}"


def test_filter_and_search_and_link(browser: Browser, pages: dict[str, Path]) -> None:
    results = large_run(RESULTS)["results"]
    browser.open(pages["large"], "#view=tests")
    assert browser.text("output") == "5,000 results"
    browser.click("[data-verdict=FAIL]")
    failed = [one for one in results if one["verdict"] == "FAIL"]
    assert browser.text("output") == f"{len(failed)} of 5,000"
    assert browser.number("main .item") == len(failed)
    browser.press("/")
    browser.press("SHOWS", Keys.SPACE, "subject3/")
    wanted = [one["id"] for one in failed if one["path"].startswith("subject3/")]
    assert wanted and browser.text("output") == f"{len(wanted)} of 5,000"
    assert browser.script("return document.querySelector('[data-verdict=FAIL]').getAttribute('aria-pressed')") == "true"
    fragment = browser.script("return location.hash")
    browser.open(pages["large"], fragment)
    assert browser.number("main .item") == len(wanted)
    assert browser.script("return document.querySelector('input').value") == "SHOWS subject3/"
    browser.click(".filter button.plain")
    assert browser.text("output") == "5,000 results"


@pytest.mark.parametrize(("name", "value"), [("subject", "subject7"), ("device", "0000:02:00.0")])
def test_choices(name: str, value: str, browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], "#view=tests")
    browser.script(CHOOSE, f"select[name={name}]", value)
    wanted = [one for one in large_run(RESULTS)["results"] if value in (one["device"], one["path"].split("/")[0])]
    assert browser.text("output") == f"{len(wanted):,} of 5,000"


def test_every_result_can_be_opened(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], "#view=tests")
    browser.script("document.querySelectorAll('.file > summary').forEach((one) => one.click())")
    browser.until(lambda: browser.number("main .item") == RESULTS)


def test_a_result_can_be_linked(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], "#view=tests")
    browser.click(".file summary")
    browser.until(lambda: browser.number(".file .item"))
    browser.click(".file .item summary")
    browser.until(lambda: browser.number(".detail p a"))
    link = browser.script("return document.querySelector('.detail p a').getAttribute('href')")
    name = browser.script("return document.querySelector('.item[open]').dataset.name")
    browser.open(pages["large"], link)
    assert browser.script("return document.querySelector('.item[open]').dataset.name") == name
    assert browser.script("return document.activeElement.parentElement.dataset.name") == name


def test_requirements_by_host(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hosts"], "#view=requirements")
    assert browser.all("main thead th") == ["id", "what is promised", "column 0", "column 1"]
    assert browser.number("main tbody tr:not(.subject)") == 60
    assert len([text for text in browser.all("main .cell") if not text]) == 10
    browser.script("document.querySelector('.verdict-cell').click()")
    browser.until(lambda: browser.number("main .item") == 1)
    assert "requirement=REQ-000" in browser.script("return location.hash")


def test_skips_by_reason(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"], "#view=skips")
    assert browser.all("main .file > summary .test") == ["no-cdev", "kernel-lacks"]


def test_keys(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"], "#view=failures")
    browser.press("j")
    first = browser.focused()
    assert "FAIL" in first
    browser.press("j")
    assert browser.focused() != first
    browser.press("k")
    assert browser.focused() == first
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.number(".item[open] .detail") == 1)
    browser.press(Keys.ESCAPE)
    assert browser.number(".item[open]") == 0 and browser.focused() == first
    browser.press("/", "j")
    assert browser.script("return document.querySelector('input').value") == "j"
    browser.press(Keys.ESCAPE)
    assert browser.script("return document.querySelector('input').value") == ""
    browser.press("?")
    assert browser.script("return document.querySelector('dialog').open")
    browser.press(Keys.ESCAPE)
    assert not browser.script("return document.querySelector('dialog').open")
    browser.press("4")
    browser.until(lambda: browser.all("nav [aria-current]") == ["Tests"])


def test_tab_goes_through_everything_and_shows_where_it_is(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["plain"], "#view=failures")
    seen = []
    for _ in range(14):
        browser.press(Keys.TAB)
        seen.append(browser.focused())
        outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen
    assert seen[:4] == ["to the results", "Overview", "Failures", "Requirements"]
    assert "colours" in seen and "keys" in seen and "search in all that is known of a result" in seen


def test_what_a_screen_reader_is_told(browser: Browser, pages: dict[str, Path]) -> None:
    for view in ("overview", "failures", "requirements", "tests", "environment"):
        browser.open(pages["plain"], f"#view={view}")
        nodes = [node for node in browser.command("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        roles = [node["role"]["value"] for node in nodes]
        assert [roles.count(role) for role in ("main", "banner", "navigation", "contentinfo")] == [1] * 4
        assert "heading" in roles
        for node in nodes:
            if node["role"]["value"] in ("button", "link", "combobox", "searchbox", "textbox", "dialog", "heading", "table", "search"):
                assert node["role"]["value"] == "table" or node["name"]["value"].strip(), node


def luminance(colour: str) -> float:
    """As WCAG 2 has it, of "rgb(r, g, b)"."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours(theme: str, browser: Browser, pages: dict[str, Path]) -> None:
    """By the system's choice and by the page's own; every text can be told from its ground (WCAG 2, 4.5 to 1)."""
    grounds = "return getComputedStyle(document.documentElement).backgroundColor"
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.open(pages["plain"])
    by_system = browser.script(grounds)
    other = {"light": "dark", "dark": "light"}[theme]
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": other}])
    assert browser.script(grounds) != by_system
    browser.script(CHOOSE, ".theme", theme)
    assert browser.script(grounds) == by_system
    names = ["ink", "quiet", "accent", "fail", "error", "known", "skip", "pass", "done"]
    colours = browser.script(
        "const one = document.body.appendChild(document.createElement('p'));"
        "return arguments[0].map((name) => { one.style.color = `var(--${name})`; return getComputedStyle(one).color })", names
    )  # fmt: skip
    raised = "return getComputedStyle(document.body.appendChild(document.createElement('pre'))).backgroundColor"
    for ground in (by_system, browser.script(raised)):
        for name, colour in zip(names, colours):
            light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name
    browser.script("localStorage.clear()")
    browser.command("Emulation.setEmulatedMedia", features=[])


def test_paper(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    browser.open(pages["large"])
    printed = browser.command("Page.printToPDF")
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(printed["data"]))
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], check=True, capture_output=True, text=True).stdout
    failed = [one for one in large_run(RESULTS)["results"] if one["verdict"] == "FAIL"]
    assert text.count("a line of the kernel's log") == 60 * len(failed)
    assert all(heading in text for heading in ("Overview", "Failures", "Requirements", "Skips", "Environment"))
    assert browser.number("main > section.printed") == 0, "the screen has its view again"


@pytest.mark.parametrize("width", [500, 900, 1400])
def test_nothing_is_wider_than_the_window(width: int, browser: Browser, pages: dict[str, Path]) -> None:
    browser.driver.set_window_size(width, 900)
    for name in ("plain", "hosts", "compared"):
        for view in ("overview", "failures", "requirements", "tests", "measurements", "environment"):
            browser.open(pages[name], f"#view={view}")
            wide, there = browser.script("const one = document.documentElement; return [one.scrollWidth, one.clientWidth]")
            assert wide <= there, (name, view)
    browser.driver.set_window_size(1400, 900)


def test_plots_have_every_sample_and_their_intervals(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["compared"], "#view=measurements")
    assert "map takes" in browser.text(".comparison .lead")
    drawn: list[dict[str, Any]] = browser.script(
        "return [...document.querySelectorAll('.plot svg[role=img]')].map((svg) => ({label: svg.getAttribute('aria-label'),"
        "dots: svg.querySelectorAll('[aria-label=dot] > :is(circle, path), [aria-label=dot] g > :is(circle, path)').length,"
        "rules: [...svg.querySelectorAll('[aria-label=rule] line')].filter((one) => one.getBBox().width + one.getBBox().height > 1).length,"
        "box: svg.getBoundingClientRect().width}))"
    )
    change, of_map, of_unmap = drawn
    assert change["dots"] == 6 and change["rules"] >= 7
    for one in (of_map, of_unmap):
        # Two sides, three sizes, six boots, fifteen samples; and a median and an interval for each side and size.
        assert one["dots"] == 2 * 3 * 6 * 15 + 6 and one["rules"] >= 6 and one["box"] > 300
    assert of_map["label"].startswith("Samples of map of bench/hot/map_unmap")
    assert browser.all("main .file .plot ~ figcaption, main .file figcaption")[0].startswith("Small signs: every sample")


def test_a_page_that_is_asked_to_talk_does_not(browser: Browser, pages: dict[str, Path]) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    browser.open(pages["plain"])
    attempt = """
    const [address, done] = [arguments[0], arguments[arguments.length - 1]];
    const image = document.createElement("img"); image.src = address + "image"; document.body.append(image);
    const style = document.createElement("style"); style.textContent = "body { display: none }"; document.body.append(style);
    fetch(address + "fetch").then(() => done("answered"), () => done(getComputedStyle(document.body).display));
    """
    assert browser.driver.execute_async_script(attempt, address) == "block"
    server.shutdown()
    assert asked == []
    refused = browser.complaints()
    assert len(refused) >= 3 and all("Content Security Policy" in text or "Fetch API" in text for text in refused)
    browser.asked()


def test_a_kept_run(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = sorted(path.parent for path in running.RUNS.glob("*/results.json"))
    if not kept:
        pytest.skip(f"{running.RUNS} has no run")
    monkeypatch.setattr(calibration, "FOLDER", tmp_path)
    command.write(tmp_path / "page.html", sources.of_names([str(kept[-1])]))
    for view in ("overview", "failures", "requirements", "tests", "skips", "measurements", "environment"):
        browser.open(tmp_path / "page.html", f"#view={view}")
        assert browser.text("main")
