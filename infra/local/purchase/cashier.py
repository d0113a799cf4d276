"""Our cashier page, as a payer uses it: open the link of the QR code, choose a way to pay."""

from __future__ import annotations

from collections.abc import Collection
from typing import NewType

from infra.local.purchase.browser import Browser, PayerError, seen
from infra.local.purchase.html_forms import Form, Page

CashierPage = NewType("CashierPage", Page)
"""Our page behind the link: goods, amount, and a form for each way to pay."""


def open_link(browser: Browser, link: str) -> CashierPage:
    """Open what the QR code says.

    Raises
    ------
    PayerError
        No page, or one without a form.
    """
    step = "open the payment link"
    page = browser.open(step, link)
    if not page.forms:
        raise PayerError(step, seen(page))
    return CashierPage(page)


def choose(browser: Browser, cashier: CashierPage, platform: str, codes: Collection[str]) -> Page:
    """Press the button of a platform, and follow to where it leads.

    Parameters
    ----------
    codes
        How a page may call the platform in its ``channel`` field.

    Raises
    ------
    PayerError
        The page does not offer it, or it leads to no page.
    """
    step = f"choose {platform}"
    form, choice = _choice(step, cashier, codes)
    return browser.submit(step, form, choice)


def _choice(step: str, page: Page, codes: Collection[str]) -> tuple[Form, dict[str, str]]:
    for form in page.forms:
        buttons = [(button.name, button.value) for button in form.buttons]
        for name, value in form.fields + form.choices + buttons:
            if name == "channel" and value.lower() in codes:
                return form, {name: value}
    if len(page.forms) == 1 and page.form_with("channel") is None:
        return page.forms[0], {}
    raise PayerError(step, f"it is not offered: {seen(page)}")
