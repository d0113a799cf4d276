"""A payer inside WeChat: chooses WeChat Pay, is recognised by OAuth, pays over the bridge.

Each step takes what the step before returned, so a caller may stop after any of them::

    with WeChatPayer(wechat_url) as payer:
        bridge = payer.choose_wechat(payer.open_link(url))
        payer.pay(bridge)
        result = payer.follow_result(bridge, seconds=30)
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import NewType

from infra.local.purchase import cashier
from infra.local.purchase.browser import INSIDE_WECHAT, Browser, PayerError, seen
from infra.local.purchase.cashier import CashierPage
from infra.local.purchase.html_forms import Page

BridgePage = NewType("BridgePage", Page)
"""Our page with the signed parameters, which it hands to WeChat's bridge by itself."""
ResultPage = NewType("ResultPage", Page)
"""Where the browser ends: the result page of the H5."""

_NAMES = frozenset({"603001", "wechat"})
_OK = "get_brand_wcpay_request:ok"
_POLL_SECONDS = 0.3


class WeChatPayer:
    """One person with WeChat's own browser; ``browser.visits`` records what happened so far.

    Parameters
    ----------
    wechat_url
        The simulator: it stands in for the bridge that WeChat's browser gives to a page.
    """

    def __init__(self, wechat_url: str) -> None:
        self.browser = Browser(INSIDE_WECHAT)
        self._wechat_url = wechat_url

    def __enter__(self) -> WeChatPayer:
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

    def choose_wechat(self, page: CashierPage) -> BridgePage:
        """Ask our cashier page for WeChat Pay: through OAuth and back, to the page of the bridge.

        Raises
        ------
        PayerError
            The page does not offer it, or the way ends somewhere else.
        """
        answer = cashier.choose(self.browser, page, "WeChat Pay", _NAMES)
        if "data-parameters" not in answer.by_id.get("watch", {}):
            raise PayerError("choose WeChat Pay", seen(answer))
        return BridgePage(answer)

    def pay(self, page: BridgePage) -> None:
        """Do what the page does by itself, and press 确认支付.

        Raises
        ------
        PayerError
            WeChat refuses the parameters, or the trade is over.
        """
        self._invoke(page, "pay", _OK)

    def cancel(self, page: BridgePage) -> None:
        """Do what the page does by itself, and press 取消.

        Raises
        ------
        PayerError
            WeChat refuses the parameters.
        """
        self._invoke(page, "cancel", "get_brand_wcpay_request:cancel")

    def follow_result(self, page: BridgePage, seconds: float) -> ResultPage:
        """Do what the page does by itself: ask us until there is a result, then go on to it.

        Raises
        ------
        PayerError
            There is none within ``seconds``, or nobody answers.
        """
        step, watch = "wait for the result", page.by_id["watch"]
        deadline = time.monotonic() + seconds
        while self.order_status(page) == watch["data-unpaid"]:
            if time.monotonic() > deadline:
                raise PayerError(step, f"the order is still unpaid after {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
        return ResultPage(self.browser.open(step, watch["data-result"]))

    def order_status(self, page: BridgePage) -> str:
        """What the page hears when it asks us once.

        Raises
        ------
        PayerError
            Nobody answers, or not with an order.
        """
        step = "ask for the result"
        answer = self.browser.ask(step, "GET", page.by_id["watch"]["data-payresult"])
        if not isinstance(answer, dict) or "orderStatus" not in answer:
            raise PayerError(step, f"an answer without orderStatus: {answer}")
        return str(answer["orderStatus"])

    def _invoke(self, page: BridgePage, action: str, wanted: str) -> None:
        step = f"{action} in WeChat"
        parameters = page.by_id["watch"]["data-parameters"]
        for deed, expected in (("check", _OK), (action, wanted)):
            url = f"{self._wechat_url}/_bridge/{deed}"
            answer = self.browser.ask(step, "POST", url, parameters)
            if answer.get("err_msg") != expected:
                raise PayerError(step, str(answer))
