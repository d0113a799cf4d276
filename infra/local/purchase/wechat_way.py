"""Paying inside WeChat (JSAPI), as a purchase sees it."""

from __future__ import annotations

from infra.local.purchase.browser import PayerError
from infra.local.purchase.html_forms import Page
from infra.local.purchase.way_to_pay import SeenDelivery, SeenTrade, Simulator, deliveries
from infra.local.purchase.wechat_payer import BridgePage, WeChatPayer

_PAID_NEWS = "TRANSACTION.SUCCESS"
_REFUND_DONE = "SUCCESS"


class WeChatWay:
    """A `WayToPay`; with ``cancels`` the payer presses 取消 instead of paying."""

    platform = "WeChat Pay"
    open_state = "NOTPAY"
    paid_state = "SUCCESS"

    def __init__(self, wechat_url: str, *, cancels: bool = False) -> None:
        self.payer = WeChatPayer(wechat_url)
        self._simulator = Simulator(self.platform, wechat_url)
        self._cancels = cancels
        self.bridge_page: BridgePage | None = None

    def arrive(self, link: str) -> None:
        """The cashier page, OAuth and back, the page of the bridge: the trade exists there."""
        self.bridge_page = self.payer.choose_wechat(self.payer.open_link(link))

    def pay(self) -> None:
        """Press 确认支付."""
        if self._cancels:
            self.payer.cancel(self._bridge_page())
            raise PayerError("pay in WeChat", "the payer has cancelled")
        self.payer.pay(self._bridge_page())

    def come_back(self, seconds: float) -> Page:
        """Wait on the page of the bridge until we know the result, and go on to the result page."""
        return self.payer.follow_result(self._bridge_page(), seconds)

    def trade(self, pay_no: str) -> SeenTrade:
        """What WeChat knows of an attempt."""
        trade = self._simulator.trade(pay_no)
        refunded = [r["refund"] for r in trade["refunds"] if r["status"] == _REFUND_DONE]
        number = trade["transaction_id"] or trade["out_trade_no"]
        return SeenTrade(number, trade["trade_state"], trade["total"], sum(refunded))

    def payment_news(self, pay_no: str) -> list[SeenDelivery]:
        """The notifications of its payment that reached us."""
        return [
            delivery
            for sent in self._simulator.trade(pay_no)["notifications"]
            if sent["event_type"] == _PAID_NEWS
            for delivery in deliveries(sent, sent["id"])
        ]

    def close(self) -> None:
        """Close the browser."""
        self.payer.browser.close()
        self._simulator.close()

    def _bridge_page(self) -> BridgePage:
        assert self.bridge_page is not None, "the payer has not arrived"
        return self.bridge_page
