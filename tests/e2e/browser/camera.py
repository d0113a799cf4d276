"""A phone's camera in front of a screen."""

from __future__ import annotations

import base64

from playwright.sync_api import Page

from infra.local.purchase.qr_reader import read_qr


def scan(page: Page) -> str:
    """The text of the one QR code among the pixels that ``page`` shows.

    Raises
    ------
    ValueError
        There is none that can be read, or more than one.
    """
    picture = base64.b64encode(page.screenshot(animations="disabled"))
    return read_qr(f"data:image/png;base64,{picture.decode('ascii')}")
