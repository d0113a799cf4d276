"""Purchases that leave the straight way: on the real engine, at both platforms, to their end."""

from __future__ import annotations

import pytest

from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderStatus,
    PayNo,
    PayStatus,
    RefundKind,
    RefundStatus,
    SurplusReason,
)
from chalicelib.orders.platform import Payer
from chalicelib.orders.refunds.desk import RefundAsk
from tests.integration.orders.books import Account
from tests.integration.orders.payers import ALIPAY, H5, JSAPI, NATIVE, Held
from tests.integration.orders.quiet import let_it_be_quiet
from tests.integration.orders.town import Town


def offered(town: Town, student: int = 0, course: int = 0) -> PayNo:
    """The pay number in the QR code of a student who chose a course."""
    town.choose(student, course)
    offer = town.offer(town.chosen[-1])
    return PayNo(offer.record.pay_no)


def opened(town: Town, pay_no: PayNo, payer: Payer) -> Held:
    held = town.open(pay_no, payer)
    assert held is not None
    return held


def bought(town: Town, payer: Payer = ALIPAY, *, student: int = 0, course: int = 0) -> PayNo:
    """A purchase up to the open course."""
    pay_no = offered(town, student, course)
    town.payers.pay(opened(town, pay_no, payer))
    town.deliver_all()
    town.drain()
    return pay_no


def account_of(town: Town, pay_no: PayNo) -> Account:
    town.check()
    return next(account for account in town.books if pay_no in account.order.pay_nos)


def events(town: Town) -> list[str]:
    """What was told to the subscribers, without the order numbers."""
    town.check()
    return sorted(key.partition("#")[2].partition("#")[0] for key in town.events)


@pytest.mark.parametrize("payer", [ALIPAY, JSAPI[0], H5, NATIVE])
def test_a_purchase_by_each_way_of_paying(town: Town, payer: Payer) -> None:
    pay_no = bought(town, payer)
    assert town.is_open(town.chosen[0])
    assert account_of(town, pay_no).order.status is OrderStatus.PAID
    let_it_be_quiet(town, post_comes=True)


def test_opened_in_wechat_and_paid_at_alipay_the_first_page_hears_of_it(town: Town) -> None:
    first = offered(town)
    opened(town, first, JSAPI[0])
    town.payers.pay(opened(town, first, ALIPAY))
    town.deliver_all()
    outcome = town.ask_result(first)
    assert outcome.order.status is OrderStatus.PAID
    assert outcome.record.status is PayStatus.CLOSED
    town.drain()
    assert town.is_open(town.chosen[0])
    let_it_be_quiet(town, post_comes=True)


def test_a_second_scanner_with_another_openid_gets_an_attempt_of_their_own(town: Town) -> None:
    first = offered(town)
    theirs = opened(town, first, JSAPI[0])
    others = opened(town, first, JSAPI[1])
    assert theirs.presentation != others.presentation

    town.payers.pay(theirs)  # closed at the platform: nothing happens
    assert not town.post.collect()
    town.payers.pay(others)
    town.deliver_all()
    assert account_of(town, first).order.paid_by_pay_no == others.pay_no
    let_it_be_quiet(town, post_comes=True)


def test_back_to_the_first_channel_is_a_third_attempt_and_the_old_form_is_watched(
    town: Town,
) -> None:
    first = offered(town)
    old_form = opened(town, first, ALIPAY)
    opened(town, first, JSAPI[0])
    opened(town, first, ALIPAY)
    account = account_of(town, first)
    assert len(account.records) == 3
    assert account.records[0].next_check_at is not None, "its signed form is still good"

    town.payers.pay(old_form)
    town.deliver_all()
    assert account_of(town, first).order.paid_by_pay_no == first
    let_it_be_quiet(town, post_comes=True)


def test_both_forms_paid_buy_once_and_the_second_payment_goes_back(town: Town) -> None:
    first = offered(town)
    old_form = opened(town, first, ALIPAY)
    opened(town, first, JSAPI[0])
    new_form = opened(town, first, ALIPAY)
    town.payers.pay(new_form)
    town.payers.pay(old_form)
    town.deliver_all()
    surplus = account_of(town, first).records[0]
    assert surplus.surplus is SurplusReason.SECOND_PAYMENT

    let_it_be_quiet(town, post_comes=True)
    account = account_of(town, first)
    assert account.order.status is OrderStatus.PAID
    assert account.records[0].status is PayStatus.REFUNDED
    assert town.is_open(town.chosen[0])
    assert events(town) == ["paid"], "money that bought nothing is nobody's business"


def test_an_expired_order_bought_again_opens_the_course_once(town: Town) -> None:
    first = offered(town)
    opened(town, first, ALIPAY)
    town.clock.advance(minutes=31)
    town.run(town.shop.watch)
    second = PayNo(town.offer(town.chosen[0]).record.pay_no)
    assert account_of(town, first).order.status is OrderStatus.CLOSED

    town.payers.pay(opened(town, second, ALIPAY))
    town.deliver_all()
    town.drain()
    assert town.is_open(town.chosen[0])
    let_it_be_quiet(town, post_comes=True)
    assert events(town) == ["paid"]


def test_of_two_records_of_one_course_the_refund_of_one_keeps_the_other(town: Town) -> None:
    first = bought(town)
    town.clock.advance(days=350)  # near its end: it may be renewed
    second = bought(town, JSAPI[0])
    assert len(town.chosen) == 2

    order = account_of(town, first).order
    ask = RefundAsk(idempotency_key="k1", reason="重复购买")
    refund = town.ask_refund(order.order_id, ask)
    town.run(lambda: town.shop.desk.approve(refund.out_refund_no, "operator-2"))
    let_it_be_quiet(town, post_comes=True)
    assert account_of(town, first).order.status is OrderStatus.REFUNDED
    assert account_of(town, second).order.status is OrderStatus.PAID
    assert [town.is_open(wish) for wish in town.chosen] == [False, True]


def test_a_partial_refund_is_the_first_news_of_its_payment(town: Town) -> None:
    pay_no = offered(town)
    town.payers.pay(opened(town, pay_no, ALIPAY))
    town.post.collect()
    town.post.waiting.clear()  # the news of the payment is lost
    town.refund_in_the_portal(account_of(town, pay_no).live, 400)
    town.deliver_all()

    account = account_of(town, pay_no)
    assert account.order.status is OrderStatus.PAID
    assert [(r.kind, r.status, r.amount_fen) for r in account.refunds] == [
        (RefundKind.EXTERNAL, RefundStatus.DONE, Fen(400))
    ]
    let_it_be_quiet(town, post_comes=True)
    assert town.is_open(town.chosen[0])
    assert events(town) == ["paid"]


def test_a_payment_of_another_amount_opens_nothing_and_goes_back(town: Town) -> None:
    pay_no = offered(town)
    opened(town, pay_no, ALIPAY)
    town.payers.pay_another_amount(pay_no, Fen(1))
    town.deliver_all()
    assert account_of(town, pay_no).records[0].surplus is SurplusReason.WRONG_AMOUNT
    let_it_be_quiet(town, post_comes=True)
    assert not town.is_open(town.chosen[0])
    assert account_of(town, pay_no).records[0].refunded_fen == 1


def test_what_nobody_tells_us_the_jobs_find_out(town: Town) -> None:
    pay_no = offered(town)
    town.payers.pay(opened(town, pay_no, NATIVE))
    let_it_be_quiet(town, post_comes=False)
    assert account_of(town, pay_no).order.status is OrderStatus.PAID
    assert town.is_open(town.chosen[0])
