"""Somebody in front of a page, in a browser of their own: cookies, storage, and what went wrong."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

from tests.e2e.browser.look import look_at

PATIENCE_SECONDS = 40

# A page that is left gives up what it still asked for.
_LEFT = "net::ERR_ABORTED"


class Visitor:
    """One browser context with one page.

    Console errors, uncaught errors and requests that fail are complaints. Those that a test has not
    announced by `expects` fail it at its end.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        context.on("console", self._said)
        context.on("weberror", lambda error: self._complain(f"uncaught: {error.error}"))
        context.on("requestfailed", self._failed)
        self.page: Page = context.new_page()

    def expects(self, pattern: str) -> None:
        """From now on, and until now, what matches ``pattern`` is no complaint."""
        self._expected.append(re.compile(pattern))

    def open(self, url: str) -> None:
        """Open a page, by its address."""
        self.page.goto(url)

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.button(name).click()

    def follow(self, name: str) -> None:
        """Follow the link of that name."""
        self.page.get_by_role("link", name=name).click()

    def button(self, name: str) -> Locator:
        """The button of that name."""
        return self.page.get_by_role("button", name=name)

    def reads(self, words: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the page shows ``words``."""
        self.page.get_by_text(words).locator("visible=true").first.wait_for(timeout=seconds * 1000)

    def arrives_at(self, address: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the page's address begins with ``address``."""
        begins = re.compile(re.escape(address))
        self.page.wait_for_url(begins, timeout=seconds * 1000, wait_until="load")

    def looks(self, name: str) -> None:
        """See that the page is one that everybody can use, and keep a picture of it."""
        look_at(self.page, name)

    def is_content(self) -> None:
        """Nothing went wrong that nobody expected."""
        unexpected = [
            said
            for said in self.complaints
            if not any(pattern.search(said) for pattern in self._expected)
        ]
        assert not unexpected, "\n".join(unexpected)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self._complain(f"console: {message.text} ({where})")

    def _failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self._complain(f"{request.method} {request.url}: {request.failure}")

    def _complain(self, text: str) -> None:
        self.complaints.append(text)
