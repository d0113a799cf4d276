"""Notifications of WeChat Pay: verified, ours, readable, in that order, and nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.money import Fen
from chalicelib.orders.platform import Notify
from chalicelib.orders.verdict import Paid, Unknown
from tests.builders import PAY_NO
from tests.fakes.clock import START, FakeClock
from tests.wechat_gateway import Gateway
from tests.wechat_peer import (
    APP_ID,
    MCH_ID,
    TRANSACTION_ID,
    a_trade,
    a_wechat_channel,
    wechat_peer,
)

Headers = dict[str, str]
PAID = Paid(
    channel_trade_no=TRANSACTION_ID,
    amount_fen=Fen(990),
    paid_at=datetime(2026, 3, 1, 4, 1, 4, tzinfo=UTC),
)


@pytest.fixture
def unasked(gateway: Gateway) -> Iterator[Gateway]:
    """Sees whoever asks for anything while a notification is read."""
    gateway.says({"data": []})
    yield gateway
    assert gateway.asked == []


def parsed(headers: Headers, body: bytes, **channel: Any) -> Notify:
    return a_wechat_channel(**channel).parse_notify(headers, body)


class TestAPayment:
    def test_it_tells_the_payment(self) -> None:
        assert parsed(*wechat_peer().notify()) == Notify(
            pay_no=PAY_NO,
            notify_id="EV-2018022511223320873",
            app_id=APP_ID,
            merchant_id=MCH_ID,
            tells=PAID,
        )

    @pytest.mark.parametrize(
        "spelled",
        [
            str.lower,
            str.upper,
            lambda name: name.capitalize(),
            lambda name: name.replace("Wechatpay", "WechatPay"),
        ],
    )
    def test_the_spelling_of_the_headers_does_not_matter(
        self, spelled: Callable[[str], str]
    ) -> None:
        headers, body = wechat_peer().notify()

        assert parsed({spelled(n): v for n, v in headers.items()}, body).tells == PAID

    def test_the_signature_type_may_be_left_out(self) -> None:
        headers, body = wechat_peer().notify()
        del headers["Wechatpay-Signature-Type"]

        assert parsed(headers, body).tells == PAID

    def test_headers_of_another_spelling_do_not_get_in_the_way(self) -> None:
        headers, body = wechat_peer().notify()
        others = {f"HTTP_WECHATPAY_{part}": "x" for part in ("SIGNATURE", "SERIAL", "NONCE")}

        assert parsed({**others, **headers}, body).tells == PAID

    @pytest.mark.parametrize("seconds", [-300, 300])
    def test_a_clock_may_differ_by_five_minutes(self, seconds: int) -> None:
        headers, body = wechat_peer().notify(at=START + timedelta(seconds=seconds))

        assert parsed(headers, body).tells == PAID

    def test_an_empty_associated_data_is_taken(self) -> None:
        assert parsed(*wechat_peer().notify(associated_data="")).tells == PAID


class TestRejected:
    @pytest.mark.parametrize(
        "changes",
        [
            {"Wechatpay-Signature": ""},
            {"Wechatpay-Signature": "AAAA"},
            {"Wechatpay-Signature": "??"},
            {"Wechatpay-Signature": "签名"},
            {"Wechatpay-Nonce": "another"},
            {"Wechatpay-Nonce": ""},
            {"Wechatpay-Timestamp": ""},
            {"Wechatpay-Timestamp": "soon"},
            {"Wechatpay-Timestamp": "-1"},
            {"Wechatpay-Timestamp": "１７７２３３７６００"},
            {"Wechatpay-Timestamp": "9" * 5000},
            {"Wechatpay-Serial": ""},
            {"Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"},
            {"Wechatpay-Serial": "PUB_KEY_ID_0"},
            {"Wechatpay-Serial": "not hexadecimal"},
            {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
        ],
    )
    def test_headers_that_are_not_wechats(self, unasked: Gateway, changes: Headers) -> None:
        headers, body = wechat_peer().notify()

        with pytest.raises(NotifyRejected):
            parsed({**headers, **changes}, body, gateway_url=unasked.url)

    @pytest.mark.parametrize(
        "name",
        ["Wechatpay-Signature", "Wechatpay-Nonce", "Wechatpay-Timestamp", "Wechatpay-Serial"],
    )
    def test_a_missing_header(self, unasked: Gateway, name: str) -> None:
        headers, body = wechat_peer().notify()
        del headers[name]

        with pytest.raises(NotifyRejected, match=name.lower()):
            parsed(headers, body, gateway_url=unasked.url)

    def test_a_probe(self) -> None:
        headers, body = wechat_peer().notify()
        probe = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]

        with pytest.raises(NotifyRejected, match="signature"):
            parsed({**headers, "Wechatpay-Signature": probe}, body)

    @pytest.mark.parametrize("seconds", [-86_400, -301, 301])
    def test_one_that_is_stale_or_from_the_future(self, seconds: int) -> None:
        headers, body = wechat_peer().notify(at=START + timedelta(seconds=seconds))

        with pytest.raises(NotifyRejected, match="stale"):
            parsed(headers, body)

    def test_one_that_is_sent_again_later(self) -> None:
        headers, body = wechat_peer().notify()
        clock = FakeClock()
        channel = a_wechat_channel(clock=clock)
        channel.parse_notify(headers, body)
        clock.advance(seconds=301)

        with pytest.raises(NotifyRejected, match="stale"):
            channel.parse_notify(headers, body)

    def test_a_changed_body(self) -> None:
        headers, body = wechat_peer().notify()

        with pytest.raises(NotifyRejected, match="signature"):
            parsed(headers, body.replace(b"EV-", b"EW-"))

    def test_a_body_that_was_serialised_anew(self) -> None:
        headers, body = wechat_peer().notify()

        with pytest.raises(NotifyRejected):
            parsed(headers, json.dumps(json.loads(body), indent=1).encode())

    @pytest.mark.parametrize(
        "body", [b"", b"\xff\xfe", b"null", b"[]", b"{}", b"<html>", b"[" * 50_000]
    )
    def test_a_signed_body_that_is_no_notification(self, body: bytes) -> None:
        with pytest.raises(NotifyRejected):
            parsed(wechat_peer().headers(body), body)

    def test_a_body_beyond_64_kib(self) -> None:
        headers, body = wechat_peer().notify(summary="x" * 64 * 1024)

        with pytest.raises(NotifyRejected, match="too long"):
            parsed(headers, body)

    def test_one_that_is_encrypted_with_another_key(self) -> None:
        headers, body = wechat_peer().notify(api_v3_key="x" * 32)

        with pytest.raises(NotifyRejected, match="APIv3 key"):
            parsed(headers, body)

    @pytest.mark.parametrize(
        "envelope",
        [
            {"resource": None},
            {"resource": {}},
            {"resource": []},
            {"resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "x", "ciphertext": "x"}},
            {"resource": {"algorithm": "AES_128", "nonce": "fdasflkja484", "ciphertext": "AAAA"}},
            {"resource_type": "plain"},
        ],
    )
    def test_one_that_cannot_be_decrypted(self, envelope: dict[str, Any]) -> None:
        with pytest.raises(NotifyRejected):
            parsed(*wechat_peer().notify(**envelope))

    @pytest.mark.parametrize("resource", [[], "text", None, 1])
    def test_one_whose_content_is_no_object(self, resource: Any) -> None:
        headers, body = wechat_peer().notify([] if resource is None else resource)

        with pytest.raises(NotifyRejected):
            parsed(headers, body)

    @pytest.mark.parametrize(
        "changes", [{"appid": "wx9"}, {"mchid": "19"}, {"appid": None}, {"mchid": None}]
    )
    def test_a_payment_to_another_account(self, changes: dict[str, Any]) -> None:
        with pytest.raises(NotifyRejected, match="for another"):
            parsed(*wechat_peer().notify(a_trade(**changes)))


class TestUnusable:
    @pytest.mark.parametrize(
        "changes",
        [
            {"out_trade_no": None},
            {"out_trade_no": ""},
            {"out_trade_no": "1/../2"},
            {"out_trade_no": "１"},
            {"out_trade_no": "1" * 20},
            {"transaction_id": None},
            {"success_time": None},
            {"success_time": "2026-03-01 12:01:04"},
            {"trade_state": None},
            {"amount": None},
            {"amount": {"total": 0}},
            {"amount": {"total": "990"}},
            {"amount": {"total": 990, "currency": "USD"}},
        ],
    )
    def test_a_payment_that_cannot_be_read(self, changes: dict[str, Any]) -> None:
        with pytest.raises(NotifyUnusable):
            parsed(*wechat_peer().notify(a_trade(**changes)))

    @pytest.mark.parametrize("envelope", [{"id": ""}, {"id": None}, {"event_type": None}])
    def test_an_envelope_that_cannot_be_read(self, envelope: dict[str, Any]) -> None:
        _, body = wechat_peer().notify()
        changed = json.dumps({**json.loads(body), **envelope}).encode()

        with pytest.raises(NotifyUnusable):
            parsed(wechat_peer().headers(changed), changed)


class TestOtherEvents:
    def test_an_unknown_event_about_an_attempt_is_no_verdict(self) -> None:
        notify = parsed(*wechat_peer().notify(event_type="TRANSACTION.NEWS"))

        assert (notify.pay_no, notify.tells) == (PAY_NO, Unknown("event_type 'TRANSACTION.NEWS'"))

    def test_an_unknown_event_about_nothing_of_ours_cannot_be_used(self) -> None:
        with pytest.raises(NotifyUnusable):
            parsed(*wechat_peer().notify({"mchid": MCH_ID}, event_type="COUPON.USE"))

    def test_an_unknown_state_is_no_verdict(self) -> None:
        notify = parsed(*wechat_peer().notify(a_trade(trade_state="PENDING")))

        assert isinstance(notify.tells, Unknown)
