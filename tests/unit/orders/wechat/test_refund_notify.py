"""Refund notifications of WeChat Pay: they name the merchant, and no app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.money import Fen
from chalicelib.orders.platform import Notify, RefundNotice
from chalicelib.orders.verdict import (
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundUnknown,
    RefundVerdict,
)
from tests.builders import PAY_NO
from tests.wechat_peer import (
    APP_ID,
    MCH_ID,
    OUT_REFUND_NO,
    a_refund_notice,
    a_wechat_channel,
    wechat_peer,
)

DONE = RefundDone(amount_fen=Fen(200), refunded_at=datetime(2026, 3, 1, 4, 2, tzinfo=UTC))


def parsed(*, event_type: str = "REFUND.SUCCESS", **changes: Any) -> Notify:
    headers, body = wechat_peer().notify(a_refund_notice(**changes), event_type=event_type)
    return a_wechat_channel().parse_notify(headers, body)


def test_it_tells_one_refund_of_one_attempt() -> None:
    assert parsed() == Notify(
        pay_no=PAY_NO,
        notify_id="EV-2018022511223320873",
        app_id=None,
        merchant_id=MCH_ID,
        tells=RefundNotice(channel_refund_no=OUT_REFUND_NO, amount_fen=Fen(200), verdict=DONE),
    )


@pytest.mark.parametrize(
    ("event_type", "status", "verdict"),
    [
        ("REFUND.CLOSED", "CLOSED", RefundClosed()),
        ("REFUND.ABNORMAL", "ABNORMAL", RefundAbnormal("ABNORMAL")),
        ("REFUND.SUCCESS", "PROCESSING", RefundAccepted()),
        ("REFUND.NEWS", "UNDERWAY", RefundUnknown("refund_status 'UNDERWAY'")),
    ],
)
def test_its_status_decides(event_type: str, status: str, verdict: RefundVerdict) -> None:
    # only a refund that is done has a time
    told = parsed(event_type=event_type, refund_status=status, without=("success_time",)).tells

    assert isinstance(told, RefundNotice)
    assert told.verdict == verdict


@pytest.mark.parametrize("changes", [{"mchid": "19"}, {"mchid": None}, {"appid": "wx9"}])
def test_one_of_another_account_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(NotifyRejected, match="for another"):
        parsed(**changes)


def test_one_that_names_our_app_all_the_same_is_taken() -> None:
    assert parsed(appid=APP_ID).app_id == APP_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": None},
        {"out_trade_no": "x"},
        {"out_refund_no": None},
        {"transaction_id": None},
        {"refund_status": None},
        {"success_time": None},
        {"success_time": "soon"},
        {"amount": None},
        {"amount": {"total": 990}},
        {"amount": {"total": 990, "refund": 0}},
    ],
)
def test_one_that_cannot_be_read_cannot_be_used(changes: dict[str, Any]) -> None:
    with pytest.raises(NotifyUnusable):
        parsed(**changes)
