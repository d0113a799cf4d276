"""I1, I2 and I3: our books against the platforms' ledgers, at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from chalicelib.orders.model import (
    OrderStatus,
    PayChannel,
    PayRecord,
    PayStatus,
    Phase,
    RefundKind,
    RefundStatus,
)
from tests.integration.orders.books import OWED, Account
from tests.integration.orders.platforms import LedgerTrade

Ledger = Mapping[str, LedgerTrade]

_PAID = (PayStatus.PAID, PayStatus.REFUNDED)
_BOUGHT = (OrderStatus.PAID, OrderStatus.REFUNDED)
_HOLDING = (OrderStatus.UNPAID, OrderStatus.PAID)


def check_account(account: Account, ledger: Ledger, now: datetime) -> None:
    """All that is true of an order at any moment."""
    for record in account.records:
        check_sums(account, record)
        check_told_by_the_platform(account, record, ledger)
    check_bought(account)
    check_one_is_offered(account)
    check_watched(account, ledger, now)


def check_sums(account: Account, record: PayRecord) -> None:
    """I1: paid = kept + refunded + owed, each fen in one place."""
    refunds = account.refunds_of(record)
    assert len(refunds) == len(record.refund_nos), f"{record.pay_no}: a refund is gone"
    standing = [r.amount_fen for r in refunds if r.status is not RefundStatus.RELEASED]
    back = sum(r.amount_fen for r in refunds if r.status is RefundStatus.DONE)
    owed = sum(r.amount_fen for r in refunds if r.status in OWED)
    paid = record.paid_fen or 0
    assert record.reserved_fen == sum(standing), f"{record.pay_no}: reserved"
    assert record.refunded_fen == back, f"{record.pay_no}: refunded"
    assert record.reserved_fen <= paid, f"{record.pay_no}: more reserved than paid"
    assert (record.status in _PAID) == (record.paid_fen is not None)
    assert (record.status is PayStatus.REFUNDED) == (record.paid_fen is not None and back == paid)
    kept = paid - back - owed
    bought = account.order.paid_by_pay_no == record.pay_no
    assert kept >= 0, f"{record.pay_no}: {kept} fen are kept"
    assert bought or kept == 0, f"{record.pay_no}: {kept} fen are kept and bought nothing"


def check_told_by_the_platform(account: Account, record: PayRecord, ledger: Ledger) -> None:
    """What is stored as paid or as back was paid or went back, to the fen."""
    if record.paid_fen is None:
        return
    trade = ledger[record.pay_no]
    assert trade.is_paid, f"{record.pay_no}: stored as paid, and never was"
    assert record.channel is trade.channel
    assert record.channel_trade_no == trade.trade_no
    assert record.paid_fen == trade.total_fen, f"{record.pay_no}: another amount was paid"
    assert record.refunded_fen <= trade.back_fen, f"{record.pay_no}: less went back than stored"
    for refund in account.refunds_of(record):
        if refund.status is RefundStatus.DONE and refund.kind is not RefundKind.EXTERNAL:
            told = sum(
                fen
                for number, fen in trade.refunds.items()
                if number.startswith(refund.out_refund_no)
            )
            assert told == refund.amount_fen, f"{refund.out_refund_no}: {told} fen went back"


def check_bought(account: Account) -> None:
    """I2: goods are bought by a payment of the full frozen price, and by nothing else."""
    order = account.order
    assert (order.status in _BOUGHT) == (order.paid_by_pay_no is not None)
    assert order.total_fen == account.item.price_fen
    if order.paid_by_pay_no is None:
        assert order.revoked_by is None
        return
    paying = next(r for r in account.records if r.pay_no == order.paid_by_pay_no)
    assert paying.status in _PAID
    assert paying.surplus is None
    assert paying.paid_fen == order.total_fen, f"{order.order_id}: bought for {paying.paid_fen} fen"
    assert (order.status is OrderStatus.REFUNDED) == (paying.status is PayStatus.REFUNDED)
    if order.revoked_by is not None:
        assert order.revoked_by in paying.refund_nos
    # no audit runs here, so nobody has found the goods where they belong
    assert order.next_audit_at is not None, f"{order.order_id}: nobody will look for its goods"


def check_one_is_offered(account: Account) -> None:
    """I3: at most one attempt of an order can be presented to anybody."""
    order = account.order
    offered = [r.pay_no for r in account.records if r.status is PayStatus.UNPAID]
    allowed = [order.live_pay_no] if order.status is OrderStatus.UNPAID else []
    assert offered in ([], allowed), f"{order.order_id}: {offered} are offered, not {allowed}"
    assert account.live is account.records[-1]
    if order.status is not OrderStatus.UNPAID:
        assert order.phase is Phase.NONE
        assert order.claim_token is None


def check_watched(account: Account, ledger: Ledger, now: datetime) -> None:
    """I3: whatever can still be paid at its platform is looked at until nobody can pay it."""
    for record in account.records:
        if record.paid_fen is not None or not can_be_paid(record, ledger, now):
            continue
        assert record.next_check_at is not None, f"{record.pay_no} can be paid and is not watched"
        if record.status is PayStatus.CLOSED:
            assert record.still_payable_until is not None
            assert record.still_payable_until >= now
    if account.order.status is OrderStatus.UNPAID:
        assert account.live.next_check_at is not None, f"{account.live.pay_no} is forgotten"


def can_be_paid(record: PayRecord, ledger: Ledger, now: datetime) -> bool:
    """Whether the platform would take money for an attempt."""
    if record.opened_at is None:
        return False
    trade = ledger.get(record.pay_no)
    if trade is not None:
        return trade.is_open
    # a signed form makes its trade when its payer logs in
    return record.channel is PayChannel.ALIPAY and now < record.expires_at


def check_one_order_holds_the_goods(accounts: Iterable[Account]) -> None:
    """Of the orders for one thing at most one is unpaid or paid."""
    holding = Counter(
        account.order.out_business_id for account in accounts if account.order.status in _HOLDING
    )
    assert all(count == 1 for count in holding.values()), f"two orders for one thing: {holding}"
