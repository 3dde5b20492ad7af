# SPDX-License-Identifier: GPL-2.0-only
"""A headless Chromium for tests of the page, with what it says and asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["Browser", "Keys", "opened"]

PATIENCE = 30  # seconds, of a test that will fail

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1400,900",
)  # fmt: skip


class Browser:
    """A page in Chromium."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, fragment: str = "") -> None:
        """Loads a page anew, with this fragment."""
        self.driver.get("about:blank")
        self.asked()
        self.driver.get(page.as_uri() + fragment)

    def script(self, text: str, *arguments: Any) -> Any:
        """What a function of this body returns in the page."""
        return self.driver.execute_script(text, *arguments)

    def text(self, selector: str) -> str:
        """What a reader sees of the first element."""
        return str(self.driver.find_element(By.CSS_SELECTOR, selector).text)

    def all(self, selector: str) -> list[str]:
        """The text in each of these elements, seen or not."""
        texts = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
        return [str(one) for one in self.script(texts, selector)]

    def number(self, selector: str) -> int:
        """How many there are."""
        return int(self.script("return document.querySelectorAll(arguments[0]).length", selector))

    def click(self, selector: str) -> None:
        """As a mouse does."""
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def press(self, *keys: str) -> None:
        """Keys, to what has the focus."""
        for key in keys:
            webdriver.ActionChains(self.driver).send_keys(key).perform()

    def until(self, what: Callable[[], object]) -> None:
        """Goes on when it is so: the page is told of what was opened a moment later. Fails if it never is."""
        WebDriverWait(self.driver, PATIENCE).until(lambda _: what())

    def focused(self) -> str:
        """The text, or the label, of what has the focus."""
        return str(self.script("const one = document.activeElement; return one.getAttribute('aria-label') ?? one.textContent"))

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def complaints(self) -> list[str]:
        """What the console has said since the last time: errors, and what the policy refused."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def asked(self) -> set[str]:
        """The addresses that were asked for since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"}


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser with an empty profile, that is gone afterwards."""
    with TemporaryDirectory(prefix="iommu-cts-chromium-") as profile:
        options = webdriver.ChromeOptions()
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        try:
            browser = Browser(driver)
            driver.get("about:blank")
            browser.asked()  # for what a new window shows
            yield browser
        finally:
            driver.quit()
