"""The browser of a session of tests: the system's Chromium, none that Playwright downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium without a window, until the end of the block.

    Its sandbox needs a user other than root
    (https://playwright.dev/python/docs/docker#run-the-image): root does without.
    """
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            chromium_sandbox=not options,
            # what the machine calls its proxy cannot reach its loopback interface
            args=[*options, "--no-proxy-server"],
        )
        yield browser
        browser.close()
