"""A payer without a browser: opens a payment link, chooses Alipay, pays, and comes back.

Each step takes what the step before returned, so a caller may stop after any of them::

    with Payer() as payer:
        cashier = payer.open_link(url)
        form = payer.choose_alipay(cashier)
        login = payer.submit_to_alipay(form)
        result = payer.follow_return(payer.pay(payer.log_in(login)))
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NewType
from urllib.parse import urlencode

import httpx

from infra.local.alipay.buyer import TEST_BUYER
from infra.local.purchase.html_forms import Form, Page, read_page

CashierPage = NewType("CashierPage", Page)
"""Our page behind the link: goods, amount, and a form that opens a channel."""
AlipayPage = NewType("AlipayPage", Page)
"""Our page with the signed form, which a browser submits to Alipay by itself."""
LoginPage = NewType("LoginPage", Page)
"""Alipay's cashier page before the payer logged in: no trade exists yet."""
PayPage = NewType("PayPage", Page)
"""Alipay's cashier page that asks for the pay password: the trade exists."""
ReturnLink = NewType("ReturnLink", str)
"""Where Alipay sends the browser after payment; it was not opened yet."""
ResultPage = NewType("ResultPage", Page)
"""Where the browser ends: the result page of the H5."""

MOBILE_BROWSER = {
    "User-Agent": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/130.0.0.0 Mobile Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",
}
ALIPAY_NAMES = frozenset({"603002", "alipay"})
"""How a page may call Alipay in its ``channel`` field."""
TIMEOUT_SECONDS = 30.0
SHOWN_CHARACTERS = 300


class PayerError(Exception):
    """A step did not lead where it should; says which step, and what came instead."""

    def __init__(self, step: str, came_instead: str) -> None:
        self.step = step
        self.came_instead = came_instead
        super().__init__(f"{step}: {came_instead}")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the payer did, and how long the answer took."""

    name: str
    url: str
    status: int
    seconds: float


class Payer:
    """One person with a mobile browser; ``steps`` records what happened so far.

    Parameters
    ----------
    headers
        What the browser says of itself, instead of `MOBILE_BROWSER`.
    """

    def __init__(self, headers: Mapping[str, str] = MOBILE_BROWSER) -> None:
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)
        self.steps: list[Step] = []

    def __enter__(self) -> Payer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the browser."""
        self._http.close()

    def open_link(self, url: str) -> CashierPage:
        """Open what the QR code says.

        Raises
        ------
        PayerError
            No page, or one without a form.
        """
        step = "open the payment link"
        page = self._page(step, self._send(step, "GET", url))
        if not page.forms:
            raise PayerError(step, _seen(page))
        return CashierPage(page)

    def choose_alipay(self, cashier: CashierPage) -> AlipayPage:
        """Ask our cashier page for Alipay; it answers with the signed form.

        Raises
        ------
        PayerError
            The page does not offer Alipay, or the answer holds no signed form.
        """
        step = "choose Alipay"
        form, choice = _alipay_form(step, cashier)
        page = self._page(step, self._submit(step, form, choice))
        if page.form_with("sign", "method", "biz_content") is None:
            raise PayerError(step, _seen(page))
        return AlipayPage(page)

    def submit_to_alipay(self, page: AlipayPage) -> LoginPage:
        """Do what the browser does by itself: hand the signed form to Alipay.

        Raises
        ------
        PayerError
            Alipay refuses the form.
        """
        step = "hand the form to Alipay"
        form = _form(step, page, "sign", "method", "biz_content")
        answer = self._page(step, self._submit(step, form, {}))
        _form(step, answer, "logon_id")
        return LoginPage(answer)

    def log_in(self, page: LoginPage) -> PayPage:
        """Log in at Alipay: from now on the trade exists there.

        Raises
        ------
        PayerError
            Alipay refuses: the offer expired, changed, or is over.
        """
        step = "log in at Alipay"
        form = _form(step, page, "logon_id")
        login = {"logon_id": TEST_BUYER.logon_id, "action": "login"}
        answer = self._page(step, self._submit(step, form, login))
        _form(step, answer, "pay_password")
        return PayPage(answer)

    def pay(self, page: PayPage, password: str = TEST_BUYER.pay_password) -> ReturnLink:
        """Enter the pay password.

        Raises
        ------
        PayerError
            The password is wrong, or the trade is over: no redirect to the merchant came.
        """
        step = "pay at Alipay"
        form = _form(step, page, "pay_password", "action")
        values = {"pay_password": password, "action": "pay"}
        response = self._submit(step, form, values, follow_redirects=False)
        location = response.headers.get("Location", "")
        if not response.is_redirect or not location:
            raise PayerError(step, _seen(self._page(step, response)))
        return ReturnLink(str(response.url.join(location)))

    def follow_return(self, link: ReturnLink) -> ResultPage:
        """Let the browser come back, and follow it to the result page.

        Raises
        ------
        PayerError
            It ends at something else than a page.
        """
        step = "come back from Alipay"
        return ResultPage(self._page(step, self._send(step, "GET", link)))

    def buy(self, url: str) -> ResultPage:
        """All the steps in turn."""
        login = self.submit_to_alipay(self.choose_alipay(self.open_link(url)))
        return self.follow_return(self.pay(self.log_in(login)))

    def _submit(
        self, step: str, form: Form, values: Mapping[str, str], *, follow_redirects: bool = True
    ) -> httpx.Response:
        content = urlencode(form.filled(values))
        if form.method == "get":
            url = httpx.URL(form.action).copy_with(query=content.encode())
            return self._send(step, "GET", str(url), follow_redirects=follow_redirects)
        return self._send(
            step, "POST", form.action, content=content, follow_redirects=follow_redirects
        )

    def _send(
        self,
        step: str,
        method: str,
        url: str,
        *,
        content: str | None = None,
        follow_redirects: bool = True,
    ) -> httpx.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if content else {}
        started = time.monotonic()
        try:
            response = self._http.request(
                method, url, content=content, headers=headers, follow_redirects=follow_redirects
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PayerError(step, f"no answer from {url}: {error!r}") from error
        seconds = time.monotonic() - started
        self.steps.append(Step(step, str(response.url), response.status_code, seconds))
        return response

    def _page(self, step: str, response: httpx.Response) -> Page:
        content_type = response.headers.get("Content-Type", "")
        if response.status_code != 200 or not content_type.startswith("text/html"):
            shown = response.text[:SHOWN_CHARACTERS]
            raise PayerError(
                step, f"{response.status_code} {content_type} from {response.url}: {shown}"
            )
        return read_page(str(response.url), response.text)


def _form(step: str, page: Page, *names: str) -> Form:
    form = page.form_with(*names)
    if form is None:
        raise PayerError(step, _seen(page))
    return form


def _alipay_form(step: str, page: Page) -> tuple[Form, dict[str, str]]:
    """The form of our cashier page that leads to Alipay, and what to choose in it."""
    for form in page.forms:
        buttons = [(button.name, button.value) for button in form.buttons]
        for name, value in form.fields + form.choices + buttons:
            if name == "channel" and value.lower() in ALIPAY_NAMES:
                return form, {name: value}
    if len(page.forms) == 1 and page.form_with("channel") is None:
        return page.forms[0], {}
    raise PayerError(step, f"Alipay is not offered: {_seen(page)}")


def _seen(page: Page) -> str:
    return f"the page {page.title!r} at {page.url}: {page.text[:SHOWN_CHARACTERS]}"
