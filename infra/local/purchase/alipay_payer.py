"""A payer with an Alipay account: chooses Alipay, logs in, pays, and comes back.

Each step takes what the step before returned, so a caller may stop after any of them::

    with AlipayPayer() as payer:
        cashier = payer.open_link(url)
        form = payer.choose_alipay(cashier)
        login = payer.submit_to_alipay(form)
        result = payer.follow_return(payer.pay(payer.log_in(login)))
"""

from __future__ import annotations

from types import TracebackType
from typing import NewType

from infra.local.alipay.buyer import TEST_BUYER
from infra.local.purchase import cashier
from infra.local.purchase.browser import MOBILE, Browser, PayerError, form_of, seen
from infra.local.purchase.cashier import CashierPage
from infra.local.purchase.html_forms import Page

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

_NAMES = frozenset({"603002", "alipay"})


class AlipayPayer:
    """One person with a browser; ``browser.visits`` records what happened so far."""

    def __init__(self, user_agent: str = MOBILE) -> None:
        self.browser = Browser(user_agent)

    def __enter__(self) -> AlipayPayer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.browser.close()

    def open_link(self, url: str) -> CashierPage:
        """Open what the QR code says.

        Raises
        ------
        PayerError
            No page, or one without a form.
        """
        return cashier.open_link(self.browser, url)

    def choose_alipay(self, page: CashierPage) -> AlipayPage:
        """Ask our cashier page for Alipay; it answers with the signed form.

        Raises
        ------
        PayerError
            The page does not offer Alipay, or the answer holds no signed form.
        """
        answer = cashier.choose(self.browser, page, "Alipay", _NAMES)
        if answer.form_with("sign", "method", "biz_content") is None:
            raise PayerError("choose Alipay", seen(answer))
        return AlipayPage(answer)

    def submit_to_alipay(self, page: AlipayPage) -> LoginPage:
        """Do what the browser does by itself: hand the signed form to Alipay.

        Raises
        ------
        PayerError
            Alipay refuses the form.
        """
        step = "hand the form to Alipay"
        form = form_of(step, page, "sign", "method", "biz_content")
        answer = self.browser.submit(step, form, {})
        form_of(step, answer, "logon_id")
        return LoginPage(answer)

    def log_in(self, page: LoginPage) -> PayPage:
        """Log in at Alipay: from now on the trade exists there.

        Raises
        ------
        PayerError
            Alipay refuses: the offer expired, changed, or is over.
        """
        step = "log in at Alipay"
        login = {"logon_id": TEST_BUYER.logon_id, "action": "login"}
        answer = self.browser.submit(step, form_of(step, page, "logon_id"), login)
        form_of(step, answer, "pay_password")
        return PayPage(answer)

    def pay(self, page: PayPage, password: str = TEST_BUYER.pay_password) -> ReturnLink:
        """Enter the pay password.

        Raises
        ------
        PayerError
            The password is wrong, or the trade is over: no redirect to the merchant came.
        """
        step = "pay at Alipay"
        form = form_of(step, page, "pay_password", "action")
        values = {"pay_password": password, "action": "pay"}
        return ReturnLink(self.browser.submit_and_stop(step, form, values))

    def follow_return(self, link: ReturnLink) -> ResultPage:
        """Let the browser come back, and follow it to the result page.

        Raises
        ------
        PayerError
            It ends at something else than a page.
        """
        return ResultPage(self.browser.open("come back from Alipay", link))

    def buy(self, url: str) -> ResultPage:
        """All the steps in turn."""
        login = self.submit_to_alipay(self.choose_alipay(self.open_link(url)))
        return self.follow_return(self.pay(self.log_in(login)))
