"""What a genuine notification of Alipay tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import NotifyUnusable
from chalicelib.money import Fen
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.verdict import ClosedUnpaid, Paid, StillOpen, Unknown
from tests.builders import APP_ID, PAY_NO, SELLER_ID, AlipayPeer
from tests.unit.orders.alipay.answers import PAID_AT


def test_a_payment_is_read(channel: AlipayChannel, peer: AlipayPeer) -> None:
    notify = channel.parse_notify({}, peer.notify())

    assert notify.pay_no == PAY_NO
    assert notify.notify_id == "2026030100222120105031021421880567"
    assert (notify.app_id, notify.merchant_id) == (APP_ID, SELLER_ID)
    assert notify.tells == Paid(
        channel_trade_no="2026030122001431021421880567",
        amount_fen=Fen(990),
        paid_at=PAID_AT,
    )


def test_the_time_of_payment_is_beijing_time_wherever_the_machine_is(
    channel: AlipayChannel, peer: AlipayPeer, in_new_york: None
) -> None:
    verdict = channel.parse_notify({}, peer.notify()).tells

    assert isinstance(verdict, Paid)
    assert verdict.paid_at == PAID_AT


@pytest.mark.parametrize(
    "text", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "2019-12-31 00:00:00"]
)
def test_a_time_that_cannot_be_true_is_unreadable(
    channel: AlipayChannel, peer: AlipayPeer, text: str
) -> None:
    with pytest.raises(NotifyUnusable):
        channel.parse_notify({}, peer.notify(gmt_payment=text))


@pytest.mark.parametrize(
    ("changes", "refunded"),
    [
        ({"trade_status": "TRADE_FINISHED"}, 0),
        ({"refund_fee": ""}, 0),
        ({"refund_fee": "0.00", "gmt_refund": "2026-03-01 12:05:00.320"}, 0),
        ({"refund_fee": "4.5", "gmt_refund": "2026-03-01 12:05:00.320"}, 450),
        ({"refund_fee": "6.00", "out_biz_no": "160000000000000002"}, 600),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "9.90"}, 990),
        ({"trade_status": "TRADE_CLOSED"}, 990),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "4.50"}, 990),
    ],
)
def test_money_that_went_back_is_told(
    channel: AlipayChannel, peer: AlipayPeer, changes: dict[str, str], refunded: int
) -> None:
    verdict = channel.parse_notify({}, peer.notify(**changes)).tells

    assert verdict == Paid(
        channel_trade_no="2026030122001431021421880567",
        amount_fen=Fen(990),
        paid_at=PAID_AT,
        back_fen=Fen(refunded),
    )


@pytest.mark.parametrize(
    "changes", [{"gmt_refund": "2026-03-01 12:05:00.320"}, {"refund_fee": "9.90"}]
)
def test_a_closed_trade_with_a_refund_was_paid(
    channel: AlipayChannel, peer: AlipayPeer, changes: dict[str, str]
) -> None:
    body = peer.notify(trade_status="TRADE_CLOSED", without=("gmt_payment",), **changes)

    verdict = channel.parse_notify({}, body).tells

    assert isinstance(verdict, Paid)
    assert verdict.back_fen == Fen(990)
    assert PAID_AT < verdict.paid_at <= PAID_AT + timedelta(minutes=5)


def test_a_closed_trade_without_any_payment_is_closed_unpaid(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    body = peer.notify(
        trade_status="TRADE_CLOSED",
        without=("gmt_payment",),
        gmt_close="2026-03-01 12:30:00",
    )

    assert channel.parse_notify({}, body).tells == ClosedUnpaid()


def test_a_trade_that_waits_for_its_payer_is_still_open(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    body = peer.notify(trade_status="WAIT_BUYER_PAY", without=("gmt_payment",))

    assert channel.parse_notify({}, body).tells == StillOpen()


def test_a_status_that_nobody_knows_is_no_verdict(channel: AlipayChannel, peer: AlipayPeer) -> None:
    verdict = channel.parse_notify({}, peer.notify(trade_status="TRADE_PENDING")).tells

    assert isinstance(verdict, Unknown)
    assert "TRADE_PENDING" in verdict.reason


@pytest.mark.parametrize(("text", "fen"), [("0.1", 10), ("0.10", 10), ("20", 2000)])
def test_an_amount_counts_by_its_value_and_verifies_by_its_spelling(
    channel: AlipayChannel, peer: AlipayPeer, text: str, fen: int
) -> None:
    verdict = channel.parse_notify({}, peer.notify(total_amount=text)).tells

    assert isinstance(verdict, Paid)
    assert verdict.amount_fen == Fen(fen)


def test_blank_values_belong_to_the_signed_text(channel: AlipayChannel, peer: AlipayPeer) -> None:
    assert b"body=&" in peer.notify(body="")

    assert channel.parse_notify({}, peer.notify(body="")).pay_no == PAY_NO


def test_reading_twice_reads_the_same(channel: AlipayChannel, peer: AlipayPeer) -> None:
    body = peer.notify()

    assert channel.parse_notify({}, body) == channel.parse_notify({}, body)


@pytest.mark.parametrize(
    "name", ["trade_status", "trade_no", "out_trade_no", "total_amount", "notify_id"]
)
@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "WAIT_BUYER_PAY", "TRADE_PENDING"])
def test_a_required_field_that_is_missing_or_blank_makes_it_unusable(
    channel: AlipayChannel, peer: AlipayPeer, name: str, status: str
) -> None:
    changes = {"trade_status": status}

    for body in (
        peer.notify(without=(name,), **changes),
        peer.notify(**{**changes, name: ""}),
    ):
        with pytest.raises(NotifyUnusable, match=name):
            channel.parse_notify({}, body)


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_a_payment_without_its_time_is_unusable(
    channel: AlipayChannel, peer: AlipayPeer, status: str
) -> None:
    with pytest.raises(NotifyUnusable, match="gmt_payment"):
        channel.parse_notify({}, peer.notify(trade_status=status, without=("gmt_payment",)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_amount", "9.900"),
        ("total_amount", "-9.90"),
        ("total_amount", "9,90"),
        ("total_amount", "NaN"),
        ("refund_fee", "much"),
        ("refund_fee", "9.91"),
        ("gmt_payment", "01/03/2026"),
    ],
)
def test_a_field_that_cannot_be_read_makes_it_unusable(
    channel: AlipayChannel, peer: AlipayPeer, name: str, value: str
) -> None:
    with pytest.raises(NotifyUnusable, match=name):
        channel.parse_notify({}, peer.notify(**{name: value}))
