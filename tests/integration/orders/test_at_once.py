"""Many at once on the real engine: one settlement, one message, whoever comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from chalicelib.errors import AppError
from chalicelib.orders.model import OrderStatus
from chalicelib.orders.platform import Payer
from chalicelib.orders.verdict import AlreadySettled, Settled
from tests.integration.orders.payers import ALIPAY, JSAPI
from tests.integration.orders.quiet import let_it_be_quiet
from tests.integration.orders.shop import deadline
from tests.integration.orders.test_scenarios import account_of, events, offered, opened
from tests.integration.orders.town import Town


def at_once(deeds: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each deed gives, or the error that its caller sees; all of them begin together."""
    listed = list(deeds)
    barrier = Barrier(len(listed))

    def begin(deed: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return deed()
        except AppError as error:
            return error

    with ThreadPoolExecutor(len(listed)) as threads:
        return list(threads.map(begin, listed))


@pytest.mark.parametrize("payer", [ALIPAY, JSAPI[0]])
def test_fifty_times_the_same_notification_settle_once(town: Town, payer: Payer) -> None:
    pay_no = offered(town)
    town.payers.pay(opened(town, pay_no, payer))
    [mail] = town.post.collect()

    def receive() -> Any:
        return town.shop.results.receive_notify(mail.channel, mail.headers, mail.body)

    answers = at_once([receive] * 50)
    settled = [answer for answer in answers if isinstance(answer, Settled)]
    assert len(settled) == 1, answers
    taken = [a for a in answers if isinstance(a, Settled | AlreadySettled)]
    # who was overtaken too often says so, and the platform sends it again
    assert all(isinstance(a, AppError) for a in answers if a not in taken)
    assert account_of(town, pay_no).order.status is OrderStatus.PAID
    assert events(town) == ["paid"]
    town.post.waiting.clear()
    let_it_be_quiet(town, post_comes=True)


@pytest.mark.parametrize("payer", [ALIPAY, JSAPI[0]])
def test_a_notification_a_question_and_a_closing_at_once_settle_once(
    town: Town, payer: Payer
) -> None:
    pay_no = offered(town)
    town.payers.pay(opened(town, pay_no, payer))
    [mail] = town.post.collect()
    account = account_of(town, pay_no)
    order = account.order
    town.clock.advance(seconds=61)
    shop = town.shop

    def receive() -> Any:
        return shop.results.receive_notify(mail.channel, mail.headers, mail.body)

    answers = at_once(
        [
            receive,
            lambda: shop.results.outcome(pay_no, deadline()),
            lambda: shop.orders.cancel(order.user_id, order.order_id, deadline()),
            shop.watch,
            lambda: shop.cashier.open(pay_no, JSAPI[1], deadline()),
        ]
    )
    paid = account_of(town, pay_no)
    assert paid.order.status is OrderStatus.PAID, answers
    assert paid.order.paid_by_pay_no == pay_no
    assert events(town) == ["paid"]
    assert shop.reports.count("OrdersPaid") + town.seen["OrdersPaid"] == 1
    let_it_be_quiet(town, post_comes=True)


def test_ten_phones_that_open_one_code_get_one_attempt_on_offer(town: Town) -> None:
    pay_no = offered(town)

    def opener(payer: Payer) -> Callable[[], Any]:
        return lambda: town.shop.cashier.open(pay_no, payer, deadline())

    answers = at_once(opener(payer) for payer in (ALIPAY, *JSAPI) * 3)
    assert any(not isinstance(answer, AppError) for answer in answers), answers
    town.check()  # at most one attempt of an order is offered, and all others are watched
    let_it_be_quiet(town, post_comes=True)


def test_ten_clicks_make_one_order(town: Town) -> None:
    town.choose(0, 0)
    wish = town.chosen[0]
    answers = at_once([lambda: town.offer(wish)] * 10)
    orders = {a.order.order_id for a in answers if not isinstance(a, AppError)}
    town.check()
    assert len(orders) == 1
    assert len(list(town.books)) == 1
