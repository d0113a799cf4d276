"""One bad row, one silent platform or one eager payer keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import (
    AppError,
    ChannelRefused,
    ChannelUnavailable,
    PaymentInProgress,
    Unavailable,
)
from chalicelib.orders.model import OrderStatus, PayChannel, PayNo, TradeType
from chalicelib.orders.verdict import NotThereYet, StillOpen, Unknown
from tests.unit.orders.shop import ALIPAY, Shop, in_wechat


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_row_that_cannot_be_read_stands_in_nobodys_way(shop: Shop) -> None:
    bad = shop.opened(ALIPAY)
    good = PayNo("777")
    shop.store.records[good] = replace(
        shop.record_of(bad), pay_no=good, next_check_at=shop.clock.now() + timedelta(minutes=2)
    )
    readable: Callable[[PayNo], Any] = shop.store.pay_record

    def pay_record(number: PayNo) -> Any:
        if number == bad.record.pay_no:
            raise Unavailable(detail="unreadable row")
        return readable(number)

    shop.store.pay_record = pay_record  # type: ignore[method-assign]
    shop.alipay.verdict = StillOpen()
    shop.clock.advance(minutes=3)
    shop.watch()

    assert shop.alipay.asked == [good]
    assert shop.record_of(bad).next_check_at == shop.clock.now() + timedelta(minutes=1)


def test_what_nobody_understands_is_asked_about_without_end(shop: Shop) -> None:
    offer = shop.opened(ALIPAY)
    shop.cancel(offer)
    shop.alipay.verdict = Unknown("total_amount is unreadable")
    for _ in range(27 * 12):
        shop.clock.advance(minutes=5)
        shop.watch()
    due = shop.record_of(offer).next_check_at
    assert due is not None

    shop.alipay.verdict = shop.paid(at=offer.order.created_at)
    shop.clock.set(due)
    shop.watch()
    assert shop.order_of(offer).status is OrderStatus.PAID


def test_a_silent_platform_does_not_keep_the_other_waiting(shop: Shop) -> None:
    opened = shop.record_of(shop.opened(in_wechat()))
    for number in range(300):
        pay_no = PayNo(str(5000 + number))
        shop.store.records[pay_no] = replace(opened, pay_no=pay_no)
    last = PayNo("9")
    shop.store.records[last] = replace(
        opened,
        pay_no=last,
        channel=PayChannel.ALIPAY,
        trade_type=TradeType.ALI_WAP,
        next_check_at=shop.clock.now() + timedelta(seconds=61),
    )
    shop.wechat.verdict, shop.alipay.verdict = ChannelUnavailable(), StillOpen()
    shop.watching._most = 1000
    shop.clock.advance(seconds=61)
    shop.watch()

    assert shop.alipay.asked == [last]
    assert len(shop.wechat.asked) == 3, "the rest are put off without asking"


def test_a_platform_that_is_not_served_any_more_is_an_answer_that_did_not_come(
    shop: Shop,
) -> None:
    offer = shop.opened(in_wechat())
    del shop.withdrawal._channels[PayChannel.WECHAT]  # type: ignore[attr-defined]
    with pytest.raises(PaymentInProgress):
        shop.cancel(offer)
    assert shop.order_of(offer).status is OrderStatus.UNPAID


def test_clicks_on_a_refused_payment_do_not_become_calls_without_end(shop: Shop) -> None:
    offer = shop.offer()
    shop.wechat.prepay, shop.wechat.verdict = ChannelRefused(detail="PARAM_ERROR"), NotThereYet()
    for _ in range(100):
        with pytest.raises(AppError):
            shop.open(offer.record.pay_no, in_wechat())
    assert len(shop.wechat.started) == len(shop.wechat.asked) == 1
    assert shop.results.ask(shop.record_of(offer), Deadline.after(5)) == NotThereYet()
