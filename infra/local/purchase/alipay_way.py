"""Paying by Alipay's mobile web page, as a purchase sees it."""

from __future__ import annotations

from chalicelib.money import yuan_text_to_fen
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.purchase.alipay_payer import AlipayPayer, PayPage, ReturnLink
from infra.local.purchase.browser import MOBILE
from infra.local.purchase.html_forms import Page
from infra.local.purchase.way_to_pay import SeenDelivery, SeenTrade, Simulator, deliveries


class AlipayWay:
    """A `WayToPay`; another ``pay_password`` than the buyer's does not pay."""

    platform = "Alipay"
    open_state = "WAIT_BUYER_PAY"
    paid_state = "TRADE_SUCCESS"

    def __init__(
        self,
        alipay_url: str,
        *,
        user_agent: str = MOBILE,
        pay_password: str = TEST_BUYER.pay_password,
    ) -> None:
        self.payer = AlipayPayer(user_agent)
        self._simulator = Simulator(self.platform, alipay_url)
        self._pay_password = pay_password
        self._pay_page: PayPage | None = None
        self._return_link: ReturnLink | None = None

    def arrive(self, link: str) -> None:
        """The cashier page, the signed form, Alipay's log-in: its trade exists from there on."""
        form = self.payer.choose_alipay(self.payer.open_link(link))
        self._pay_page = self.payer.log_in(self.payer.submit_to_alipay(form))

    def pay(self) -> None:
        """Enter the pay password."""
        assert self._pay_page is not None, "the payer has not arrived"
        self._return_link = self.payer.pay(self._pay_page, self._pay_password)

    def come_back(self, seconds: float) -> Page:  # noqa: ARG002  nobody waits: Alipay redirects
        """Follow Alipay's redirect through our return address to the result page."""
        assert self._return_link is not None, "the payer has not paid"
        return self.payer.follow_return(self._return_link)

    def trade(self, pay_no: str) -> SeenTrade:
        """What Alipay knows of an attempt."""
        trade = self._simulator.trade(pay_no)
        return SeenTrade(
            trade["trade_no"],
            trade["status"],
            yuan_text_to_fen(trade["total_amount"]),
            yuan_text_to_fen(trade["refund_fee"]),
        )

    def payment_news(self, pay_no: str) -> list[SeenDelivery]:
        """The notifications of its payment that reached us."""
        return [
            delivery
            for sent in self._simulator.trade(pay_no)["notifications"]
            if sent["trade_status"] == self.paid_state
            for delivery in deliveries(sent, sent["notify_id"])
        ]

    def close(self) -> None:
        """Close the browser."""
        self.payer.browser.close()
        self._simulator.close()
