"""Quiet time: no payer, no operator, no trouble; the jobs run, and everything comes to its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.orders.model import OrderStatus, PayChannel, PayRecord, PayStatus, RefundStatus
from tests.integration.orders.books import OWED, Account
from tests.integration.orders.platforms import LedgerTrade
from tests.integration.orders.town import Town

LASTS = timedelta(hours=26)
_ROUNDS_SECONDS = (0, 70, 150, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 36_000)
_MOST_EXTRA_ROUNDS = 60
_PAID = (PayStatus.PAID, PayStatus.REFUNDED)


def let_it_be_quiet(town: Town, *, post_comes: bool) -> None:
    """Run the jobs through 26 hours, then hold everything to its end.

    Without ``post_comes`` no notification is delivered: the jobs find out by themselves.
    """
    town.platforms.heal()
    town.tables.trouble.over()
    end = town.clock.now() + LASTS
    for seconds in _ROUNDS_SECONDS:
        town.clock.advance(seconds=seconds)
        _round(town, post_comes=post_comes)
    for _ in range(_MOST_EXTRA_ROUNDS):
        due = _next_due(town)
        if due is None or due > end:
            break
        town.clock.set(max(town.clock.now(), due))
        _round(town, post_comes=post_comes)
    else:
        raise AssertionError("the jobs find no end")
    _check_the_end(town, post_comes=post_comes)


def _round(town: Town, *, post_comes: bool) -> None:
    if post_comes:
        town.deliver_all()
    now = town.clock.now()
    town.books.refresh()
    if any(is_due(record.next_check_at, now) for a in town.books for record in a.records):
        town.run(town.shop.watch)
    if any(is_due(refund.next_try_at, now) for refund in town.books.refunds):
        town.run(town.shop.send_refunds)
    if post_comes:
        town.deliver_all()
    town.check()
    if not all(town.events.values()):
        town.drain()


def is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _next_due(town: Town) -> datetime | None:
    """What the jobs still have to do; a refund that needs a person does not count."""
    checks = [record.next_check_at for account in town.books for record in account.records]
    tries = [
        refund.next_try_at
        for refund in town.books.refunds
        if refund.status is not RefundStatus.MANUAL
    ]
    return min((moment for moment in (*checks, *tries) if moment is not None), default=None)


def _check_the_end(town: Town, *, post_comes: bool) -> None:
    ledger = town.platforms.ledger()
    for account in town.books:
        order = account.order
        assert order.status is not OrderStatus.UNPAID, f"{order.order_id} stays unpaid"
        for record in account.records:
            assert record.next_check_at is None, f"{record.pay_no} is watched for ever"
            _check_nothing_is_lost(record, ledger.get(record.pay_no))
            _check_paid_back(town, account, record, post_comes=post_comes)
    for pay_no in ledger:
        assert pay_no in town.books.pay_nos, f"{pay_no} is at a platform and not in our books"
    assert all(town.events.values()), f"not delivered: {town.events}"
    _check_grants(town)


def _check_nothing_is_lost(record: PayRecord, trade: LedgerTrade | None) -> None:
    """I1: no payment is forgotten, however we were to hear of it."""
    if trade is not None and trade.is_paid:
        assert record.status in _PAID, f"{record.pay_no} is paid there and {record.status} here"


def _check_paid_back(town: Town, account: Account, record: PayRecord, *, post_comes: bool) -> None:
    """I1: nothing is owed any more but what waits for a person, and says why."""
    refunds = account.refunds_of(record)
    for refund in refunds:
        assert refund.status not in (RefundStatus.OWED, RefundStatus.SENT), f"still owed: {refund}"
        if refund.status is RefundStatus.MANUAL:
            assert refund.last_answer, f"{refund.out_refund_no} needs a person and says not why"
    if record.paid_fen is None:
        return
    trade = town.platforms.ledger()[record.pay_no]
    ours = sum(trade.refunds.values())
    told_of_all = record.channel is PayChannel.ALIPAY and (
        town.told_back.get(record.pay_no, 0) == trade.back_fen
    )
    if told_of_all and not any(refund.status in OWED for refund in refunds):
        assert record.refunded_fen == trade.back_fen, (
            f"{record.pay_no}: {trade.back_fen} fen are back, {record.refunded_fen} in the books"
        )
    else:
        # of what the merchant's staff paid back by hand we may never have heard
        assert ours <= record.refunded_fen <= trade.back_fen, (
            f"{record.pay_no}: {ours} fen went back by us, {record.refunded_fen} in the books"
        )


def _check_grants(town: Town) -> None:
    """I2: a course is open exactly when a payment has bought it and nobody took it back."""
    town.check_grants()
    bought = {
        account.order.out_business_id
        for account in town.books
        if account.order.paid_by_pay_no is not None and account.order.revoked_by is None
    }
    for wish in town.chosen:
        assert town.is_open(wish) == (wish[2] in bought), f"{wish[2]}: bought, open: {wish}"
