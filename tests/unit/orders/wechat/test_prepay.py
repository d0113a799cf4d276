"""Opening an attempt at WeChat Pay: what is frozen is what is sent, and what a payer gets of it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.model import PayChannel, PayRecord, TradeType
from chalicelib.orders.platform import Bridge, CodeUrl, Payer, Redirect
from chalicelib.orders.wechat.request import description_for
from tests.builders import PAY_NO, a_pay_record
from tests.fakes.clock import START
from tests.wechat_gateway import Gateway
from tests.wechat_peer import (
    APP_ID,
    MCH_ID,
    NOTIFY_URL,
    OPENID,
    a_wechat_channel,
    a_wechat_record,
    wechat_peer,
)

JSAPI = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_JSAPI, openid=OPENID)
H5 = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_H5, client_ip="203.0.113.7")
NATIVE = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_NATIVE)
PRODUCTS = {
    TradeType.WX_JSAPI: ("/v3/pay/transactions/jsapi", "prepay_id", "wx201410272009395522657a690"),
    TradeType.WX_H5: ("/v3/pay/transactions/h5", "h5_url", "https://wx.tenpay.com/cgi-bin/x?y=z"),
    TradeType.WX_NATIVE: (
        "/v3/pay/transactions/native",
        "code_url",
        "weixin://wxpay/bizpayurl?pr=1",
    ),
}


def started(gateway: Gateway, record: PayRecord) -> str:
    return a_wechat_channel(gateway_url=gateway.url).start(record, Deadline.after(10))


class TestTheFrozenRequest:
    @pytest.mark.parametrize(
        ("payer", "bound_to"),
        [
            (JSAPI, {"payer": {"openid": OPENID}}),
            (
                H5,
                {"scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}},
            ),
            (NATIVE, {}),
        ],
    )
    def test_it_names_who_is_paid_how_much_until_when_and_by_whom(
        self, payer: Payer, bound_to: dict[str, Any]
    ) -> None:
        opening = a_wechat_channel().freeze(a_pay_record(), payer, START)

        assert (opening.app_id, opening.merchant_id) == (APP_ID, MCH_ID)
        assert json.loads(opening.request) == {
            "appid": APP_ID,
            "mchid": MCH_ID,
            "description": "Java 编程思想",
            "out_trade_no": PAY_NO,
            "time_expire": "2026-03-01T12:30:00+08:00",
            "notify_url": NOTIFY_URL,
            "amount": {"total": 990, "currency": "CNY"},
            **bound_to,
        }

    @pytest.mark.parametrize(
        "payer",
        [
            replace(JSAPI, openid=None),
            replace(JSAPI, openid=""),
            replace(H5, client_ip=None),
            replace(NATIVE, trade_type=TradeType.ALI_WAP),
            replace(NATIVE, channel=PayChannel.ALIPAY),
        ],
    )
    def test_a_payer_who_lacks_what_the_trade_is_bound_to_is_a_mistake_of_ours(
        self, payer: Payer
    ) -> None:
        with pytest.raises(ValueError, match="payer"):
            a_wechat_channel().freeze(a_pay_record(), payer, START)

    @given(st.text(max_size=300))
    def test_any_title_becomes_a_description_that_wechat_takes(self, title: str) -> None:
        description = description_for(title)

        assert 1 <= len(description.encode()) <= 127
        assert not {"Cc", "Cs"} & {unicodedata.category(character) for character in description}
        assert description_for(description) == description

    @pytest.mark.parametrize(
        ("title", "description"),
        [
            ("课" * 60, "课" * 42),
            ("a" + "课" * 60, "a" + "课" * 42),
            ("aa" + "课" * 60, "aa" + "课" * 41),
            ("\x00 \ud800\u2028\n", "订单"),
            ("一\t二\n\n三 ", "一 二 三"),
        ],
    )
    def test_a_description_ends_between_two_characters(self, title: str, description: str) -> None:
        assert description_for(title) == description


class TestStarting:
    @pytest.mark.parametrize("trade_type", PRODUCTS)
    def test_the_frozen_bytes_are_signed_and_sent_each_time(
        self, gateway: Gateway, trade_type: TradeType
    ) -> None:
        path, name, given_for_it = PRODUCTS[trade_type]
        record = a_wechat_record(trade_type=trade_type)
        gateway.says({name: given_for_it})

        assert [started(gateway, record), started(gateway, record)] == [given_for_it] * 2

        assert record.request is not None
        for asked in gateway.asked:
            asked.check_signed()
            assert (asked.method, asked.target) == ("POST", path)
            assert asked.body == record.request.encode()
            assert asked.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (400, "ORDERPAID"),
            (400, "ORDER_CLOSED"),
            (403, "OUT_TRADE_NO_USED"),
            (400, "PARAM_ERROR"),
            (401, "SIGN_ERROR"),
            (403, "NO_AUTH"),
        ],
    )
    def test_a_clear_no_is_a_refusal_with_its_code(
        self, gateway: Gateway, status: int, code: str
    ) -> None:
        gateway.refuses(status, code)

        with pytest.raises(ChannelRefused, match=code) as refused:
            started(gateway, a_wechat_record())

        assert "不" not in refused.value.detail

    @pytest.mark.parametrize("trade_type", PRODUCTS)
    @pytest.mark.parametrize("content", [{}, {"prepay_id": ""}, {"h5_url": 1}, {"code_url": None}])
    def test_an_answer_that_gives_nothing_is_unknown(
        self, gateway: Gateway, trade_type: TradeType, content: dict[str, Any]
    ) -> None:
        gateway.says(content)

        with pytest.raises(ChannelUnavailable, match=PRODUCTS[trade_type][1]):
            started(gateway, a_wechat_record(trade_type=trade_type))

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "http://other.example/", "//x", "https://"]
    )
    def test_an_h5_url_that_leads_elsewhere_is_not_handed_on(
        self, gateway: Gateway, url: str
    ) -> None:
        gateway.says({"h5_url": url})

        with pytest.raises(ChannelUnavailable, match="h5_url"):
            started(gateway, a_wechat_record(trade_type=TradeType.WX_H5))

    @pytest.mark.parametrize("changes", [{"app_id": "wx9"}, {"merchant_id": "19"}])
    def test_an_attempt_of_another_account_is_not_started(
        self, gateway: Gateway, changes: dict[str, str]
    ) -> None:
        with pytest.raises(ChannelUnavailable, match="belongs to"):
            started(gateway, a_wechat_record(**changes))

        assert gateway.asked == []

    @pytest.mark.parametrize(
        "changes", [{"request": None}, {"trade_type": TradeType.ALI_WAP}, {"trade_type": None}]
    )
    def test_an_attempt_that_was_not_frozen_for_wechat_is_a_mistake_of_ours(
        self, gateway: Gateway, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match=PAY_NO):
            started(gateway, a_wechat_record(**changes))


class TestFreshness:
    @pytest.mark.parametrize(
        ("trade_type", "good_for"),
        [
            (TradeType.WX_JSAPI, timedelta(hours=1, minutes=50)),
            (TradeType.WX_NATIVE, timedelta(hours=1, minutes=50)),
            (TradeType.WX_H5, timedelta(minutes=4, seconds=30)),
        ],
    )
    def test_what_was_given_is_used_until_shortly_before_it_dies(
        self, trade_type: TradeType, good_for: timedelta
    ) -> None:
        record = a_wechat_record(trade_type=trade_type, prepay="x", prepay_at=START)
        channel = a_wechat_channel()

        assert channel.is_fresh(record, START + good_for - timedelta(seconds=1))
        assert not channel.is_fresh(record, START + good_for)

    @pytest.mark.parametrize("changes", [{}, {"prepay": "x"}, {"prepay_at": START}])
    def test_what_was_never_given_is_not_fresh(self, changes: dict[str, Any]) -> None:
        assert not a_wechat_channel().is_fresh(a_wechat_record(**changes), START)


class TestPresenting:
    def test_the_bridge_call_is_signed_by_the_merchant(self) -> None:
        record = a_wechat_record(prepay="wx201410272009395522657a690")

        shown = a_wechat_channel().present(record, START)

        assert isinstance(shown, Bridge)
        call = dict(shown.parameters)
        signature = call.pop("paySign")
        wechat_peer().check_merchant_signed(
            signature, *(call[name] for name in ("appId", "timeStamp", "nonceStr", "package"))
        )
        nonce = call.pop("nonceStr")
        assert 16 <= len(nonce) <= 32
        assert call == {
            "appId": APP_ID,
            "timeStamp": str(int(START.timestamp())),
            "package": "prepay_id=wx201410272009395522657a690",
            "signType": "RSA",
        }

    def test_h5_is_a_way_to_go_and_native_a_code_to_scan(self) -> None:
        channel = a_wechat_channel()
        h5 = a_wechat_record(trade_type=TradeType.WX_H5, prepay="https://wx.tenpay.com/1")
        native = a_wechat_record(trade_type=TradeType.WX_NATIVE, prepay="weixin://1")

        assert channel.present(h5, START) == Redirect("https://wx.tenpay.com/1")
        assert channel.present(native, START) == CodeUrl("weixin://1")

    @pytest.mark.parametrize("changes", [{}, {"prepay": "x", "trade_type": TradeType.ALI_WAP}])
    def test_nothing_is_shown_of_an_attempt_that_wechat_does_not_know(
        self, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match=PAY_NO):
            a_wechat_channel().present(a_wechat_record(**changes), START)
