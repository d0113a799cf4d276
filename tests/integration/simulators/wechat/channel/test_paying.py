"""Our WeChat channel against a WeChat that was written from its documentation alone."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from chalicelib.errors import ChannelRefused, ChannelUnavailable, NotifyRejected
from chalicelib.orders.model import TradeType
from chalicelib.orders.platform import Bridge, CodeUrl, Redirect
from chalicelib.orders.verdict import (
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    Paid,
    RefundAccepted,
    RefundDone,
    RefundUnknown,
    StillOpen,
)
from infra.local.services.web_server import WebServer
from tests.integration.simulators.wechat.channel.purchase import (
    PAY_NO,
    PRICE,
    TRADE_TYPES,
    Purchase,
    soon,
)
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    WechatMerchant,
    WechatSite,
)

EACH_TYPE = pytest.mark.parametrize("trade_type", TRADE_TYPES)


class TestPaying:
    @EACH_TYPE
    def test_a_payment_is_told_alike_by_query_and_notification(
        self, purchase: Purchase, trade_type: TradeType
    ) -> None:
        purchase.freeze(trade_type)
        assert purchase.query() == NotThereYet()
        purchase.start()
        assert purchase.query() == StillOpen()
        verdict = purchase.pay(trade_type)

        notify = purchase.heard()

        assert (verdict.amount_fen, verdict.has_refunds) == (PRICE, False)
        assert notify.tells == verdict
        assert (notify.pay_no, notify.app_id, notify.merchant_id) == (PAY_NO, APP_ID, MCH_ID)

    @EACH_TYPE
    def test_starting_again_with_the_same_bytes_is_no_new_trade(
        self, purchase: Purchase, school: WechatMerchant, trade_type: TradeType
    ) -> None:
        purchase.open(trade_type)
        purchase.start()
        school.control(f"/trades/{PAY_NO}/pay")

        with pytest.raises(ChannelRefused, match="ORDERPAID"):
            purchase.start()

    def test_other_bytes_for_the_same_number_are_refused(self, purchase: Purchase) -> None:
        purchase.open()
        purchase.record = replace(purchase.record, subject="另一门课程")
        purchase.freeze()

        with pytest.raises(ChannelRefused, match="OUT_TRADE_NO_USED"):
            purchase.start()

    def test_the_bridge_takes_what_we_signed(
        self, purchase: Purchase, school: WechatMerchant
    ) -> None:
        shown = purchase.open(TradeType.WX_JSAPI)

        assert isinstance(shown, Bridge)
        parameters = dict(shown.parameters)
        forged = {**parameters, "package": "prepay_id=wx1"}
        assert school.control("/jsapi-pay", {"parameters": forged})["err_msg"].endswith(":fail")
        assert school.control("/jsapi-pay", {"parameters": parameters})["err_msg"].endswith(":ok")
        assert isinstance(purchase.query(), Paid)

    def test_a_code_is_scanned_and_paid(self, purchase: Purchase, school: WechatMerchant) -> None:
        shown = purchase.open(TradeType.WX_NATIVE)

        assert isinstance(shown, CodeUrl)
        school.control("/native-pay", {"code_url": shown.text})
        assert isinstance(purchase.query(), Paid)

    def test_an_h5_payer_is_sent_to_wechat(self, purchase: Purchase, wechat: WebServer) -> None:
        shown = purchase.open(TradeType.WX_H5)

        assert isinstance(shown, Redirect)
        page = httpx.get(shown.url, headers={"Referer": "https://h5.school.test/pay"})
        assert shown.url.startswith(wechat.url)
        assert page.status_code < 400


class TestClosing:
    def test_a_trade_is_closed_once_and_stays_closed(self, purchase: Purchase) -> None:
        purchase.freeze()
        assert purchase.channel.close(purchase.record, soon()) == NothingToClose()
        purchase.start()
        assert purchase.channel.close(purchase.record, soon()) == ClosedThere()
        assert isinstance(purchase.channel.close(purchase.record, soon()), CloseRefused)
        assert purchase.query() == ClosedUnpaid()
        with pytest.raises(ChannelRefused, match="ORDER_CLOSED"):
            purchase.start()

    def test_a_paid_trade_is_not_closed(self, purchase: Purchase) -> None:
        paid = purchase.pay()

        assert purchase.channel.close(purchase.record, soon()) == CloseRefused("ORDERPAID")
        assert purchase.query() == paid


class TestFaults:
    @pytest.mark.parametrize(
        "deed",
        ["corrupt_signature", "signtest", "unsigned", "http_500", "html", "lost", "system_error"],
    )
    def test_what_cannot_be_trusted_is_unknown_and_asked_again(
        self, purchase: Purchase, school: WechatMerchant, deed: str
    ) -> None:
        for on in ("prepay", "query", "refund", "query_refund"):
            school.order_fault(on=on, do=deed)
        purchase.freeze()

        with pytest.raises(ChannelUnavailable):
            purchase.start()
        purchase.start()
        school.control(f"/trades/{PAY_NO}/pay")
        with pytest.raises(ChannelUnavailable):
            purchase.query()
        purchase.learn()
        refund, channel = purchase.refund(), purchase.channel
        assert isinstance(channel.refund(purchase.record, refund, soon()), RefundUnknown)
        assert isinstance(channel.query_refund(purchase.record, refund, soon()), RefundUnknown)
        again = channel.refund(purchase.record, refund, soon())
        assert isinstance(again, RefundAccepted | RefundDone)

    @pytest.mark.parametrize("deed", ["corrupt_signature", "signtest", "corrupt_ciphertext"])
    def test_a_notification_that_is_not_genuine_comes_again_and_then_it_is(
        self, purchase: Purchase, school: WechatMerchant, wechat_site: WechatSite, deed: str
    ) -> None:
        wechat_site.answers = [400, 204]
        school.order_fault(on="notify", do=deed)
        paid = purchase.pay()

        with pytest.raises(NotifyRejected):
            purchase.heard()
        assert purchase.heard().tells == paid
