"""Freezing the request of an attempt, and presenting it to a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest

from chalicelib.money import Fen
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.model import PayChannel, PayRecord, TradeType
from chalicelib.orders.platform import Payer
from chalicelib.settings import SettingsError
from tests.builders import APP_ID, PAY_NO, SELLER_ID, AlipayPeer, a_pay_record, an_alipay_channel
from tests.fakes.clock import START, FakeClock
from tests.unit.orders.alipay.answers import ALIPAY, soon
from tests.unit.orders.alipay.gateway import Gateway


def frozen(channel: AlipayChannel, record: PayRecord) -> PayRecord:
    opening = channel.freeze(record, ALIPAY, START)
    return replace(
        record,
        channel=PayChannel.ALIPAY,
        trade_type=TradeType.ALI_WAP,
        app_id=opening.app_id,
        merchant_id=opening.merchant_id,
        request=opening.request,
    )


def request_of(channel: AlipayChannel, record: PayRecord) -> dict[str, str]:
    pairs = parse_qsl(
        channel.freeze(record, ALIPAY, START).request, keep_blank_values=True, strict_parsing=True
    )
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class TestFreezing:
    def test_an_opening_names_who_is_paid(self, channel: AlipayChannel) -> None:
        opening = channel.freeze(a_pay_record(), ALIPAY, START)

        assert (opening.app_id, opening.merchant_id) == (APP_ID, SELLER_ID)

    def test_the_request_is_signed_by_our_app(
        self, channel: AlipayChannel, peer: AlipayPeer
    ) -> None:
        assert peer.merchant_signed(request_of(channel, a_pay_record()))

    def test_the_request_says_what_is_paid(self, channel: AlipayChannel) -> None:
        fields = request_of(channel, a_pay_record())

        assert fields["method"] == "alipay.trade.wap.pay"
        assert fields["charset"] == "utf-8"
        assert fields["notify_url"] == "https://pay.example/orders/receivenotify"
        assert fields["return_url"] == "https://pay.example/orders/alipayreturn"
        assert json.loads(fields["biz_content"]) == {
            "subject": "Java 编程思想",
            "out_trade_no": PAY_NO,
            "total_amount": "9.90",
            "product_code": "QUICK_WAP_WAY",
            "time_expire": "2026-03-01 12:30:00",
        }

    def test_times_are_beijing_time_wherever_the_machine_is(
        self, channel: AlipayChannel, in_new_york: None
    ) -> None:
        fields = request_of(channel, a_pay_record())

        assert fields["timestamp"] == "2026-03-01 12:00:00"
        assert json.loads(fields["biz_content"])["time_expire"] == "2026-03-01 12:30:00"

    @pytest.mark.parametrize(
        ("fen", "yuan"), [(1, "0.01"), (30, "0.30"), (2000, "20.00"), (12_345_678, "123456.78")]
    )
    def test_the_amount_is_text_with_two_decimals(
        self, channel: AlipayChannel, fen: int, yuan: str
    ) -> None:
        content = request_of(channel, a_pay_record(amount_fen=Fen(fen)))["biz_content"]

        assert f'"total_amount":"{yuan}"' in content

    @pytest.mark.parametrize(
        ("title", "subject"),
        [
            ("C/C++ 入门 = 基础 & 提高", "C／C++ 入门 ＝ 基础 ＆ 提高"),
            ("第一行\n第二行\t\x00\u2028完", "第一行 第二行 完"),
            ("坏\ud800字", "坏 字"),
            ("长" * 300, "长" * 256),
            (" \n ", "订单"),
        ],
    )
    def test_the_subject_has_nothing_that_alipay_refuses(
        self, channel: AlipayChannel, peer: AlipayPeer, title: str, subject: str
    ) -> None:
        fields = request_of(channel, a_pay_record(subject=title))

        assert json.loads(fields["biz_content"])["subject"] == subject
        assert peer.merchant_signed(fields)

    def test_a_quit_url_is_sent_when_there_is_one(self) -> None:
        channel = an_alipay_channel(quit_url="https://h5.example/")

        content = json.loads(request_of(channel, a_pay_record())["biz_content"])

        assert content["quit_url"] == "https://h5.example/"

    def test_a_key_that_is_none_is_named_but_not_shown(self) -> None:
        with pytest.raises(SettingsError, match="alipay_app_private_key") as caught:
            an_alipay_channel(app_private_key="MIIEverysecret")

        assert "MIIEverysecret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("platform", "trade_type"),
        [(PayChannel.WECHAT, TradeType.WX_H5), (PayChannel.ALIPAY, TradeType.WX_NATIVE)],
    )
    def test_what_alipay_does_not_offer_is_not_frozen(
        self, channel: AlipayChannel, platform: PayChannel, trade_type: TradeType
    ) -> None:
        payer = Payer(channel=platform, trade_type=trade_type)

        with pytest.raises(ValueError, match=trade_type):
            channel.freeze(a_pay_record(), payer, START)


class TestStarting:
    def test_there_is_nothing_to_send(self, asking: AlipayChannel, gateway: Gateway) -> None:
        gateway.says("")

        asking.start(frozen(asking, a_pay_record()), soon())

        assert gateway.requests == []

    def test_a_frozen_attempt_stays_fresh(self, channel: AlipayChannel) -> None:
        record = a_pay_record()

        assert not channel.is_fresh(record, START)
        assert channel.is_fresh(frozen(channel, record), START)
        assert channel.is_fresh(frozen(channel, record), record.expires_at)


class TestPresenting:
    def test_a_frozen_attempt_is_presented_alike_each_time(
        self, channel: AlipayChannel, peer: AlipayPeer
    ) -> None:
        record = frozen(channel, a_pay_record(subject="空 格+加号%20"))

        form = channel.present(record, START)

        assert (
            form
            == channel.present(record, START)
            == an_alipay_channel(clock=FakeClock()).present(record, START)
        )
        assert form.action == "https://openapi.example/gateway.do?charset=utf-8"
        assert urlencode(form.fields) == record.request
        assert peer.merchant_signed(dict(form.fields))

    def test_an_attempt_that_was_never_frozen_cannot_be_presented(
        self, channel: AlipayChannel
    ) -> None:
        with pytest.raises(ValueError, match="never frozen"):
            channel.present(a_pay_record(), START)
