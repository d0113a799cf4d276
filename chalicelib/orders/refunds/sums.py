"""What the refunds of one payment add up to, and how they give way to each other. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chalicelib.money import NO_MONEY, Fen
from chalicelib.orders.model import PayRecord, PayStatus, Refund, RefundStatus
from chalicelib.orders.states import move_pay, move_refund

OWED_STATES = (RefundStatus.MANUAL, RefundStatus.OWED, RefundStatus.SENT)

_PAID_OFF = (RefundStatus.MANUAL, RefundStatus.OWED)
_GIVING_WAY = (RefundStatus.AWAITING_APPROVAL, *OWED_STATES)


def sum_of(refunds: Iterable[Refund]) -> Fen:
    """The amounts of these refunds."""
    return Fen(sum(refund.amount_fen for refund in refunds))


def left_to_refund(record: PayRecord) -> Fen:
    """What of a payment no refund has reserved."""
    return Fen((record.paid_fen or NO_MONEY) - record.reserved_fen)


def is_all_back(record: PayRecord) -> bool:
    """Whether nothing of a payment is kept or owed."""
    return record.paid_fen is not None and record.refunded_fen == record.paid_fen


def with_refund(record: PayRecord, refund: Refund) -> PayRecord:
    """The payment with one more refund, whose amount it reserves."""
    return replace(
        record,
        refund_nos=(*record.refund_nos, refund.out_refund_no),
        reserved_fen=Fen(record.reserved_fen + refund.amount_fen),
    )


def counted(record: PayRecord, refunds: Iterable[Refund]) -> PayRecord:
    """The payment with the sums of all its ``refunds``; REFUNDED once everything is back."""
    rows = tuple(refunds)
    record = replace(
        record,
        reserved_fen=sum_of(row for row in rows if row.status is not RefundStatus.RELEASED),
        refunded_fen=sum_of(row for row in rows if row.status is RefundStatus.DONE),
    )
    return move_pay(record, PayStatus.REFUNDED) if is_all_back(record) else record


def made_room_for(
    external: Refund, refunds: tuple[Refund, ...], paid_fen: Fen
) -> tuple[Refund, ...]:
    """The refunds of a payment once ``external`` was made without us; it is the last of them.

    It pays off what needs a person, then what waits to be sent. Where all of them would be more
    than was paid, those give way that nobody has approved yet, and at last one that is at the
    platform: beside money that is back already it can never succeed there.
    """
    rows = _reduced(refunds, external.amount_fen, _PAID_OFF)
    taken = sum_of(row for row in (*rows, external) if row.status is not RefundStatus.RELEASED)
    rows = _reduced(rows, Fen(taken - paid_fen), _GIVING_WAY)
    paid_off = (
        before.revoke and before.status in OWED_STATES
        for before, after in zip(refunds, rows, strict=True)
        if after.status is RefundStatus.RELEASED
    )
    # whoever paid it off in the portal did what was asked for, and that included the goods
    return (*rows, replace(external, revoke=any(paid_off)))


def _reduced(
    refunds: tuple[Refund, ...], by: Fen, states: tuple[RefundStatus, ...]
) -> tuple[Refund, ...]:
    """The refunds with ``by`` fen less in all, taken from ``states`` in their order."""
    rows = {refund.out_refund_no: refund for refund in refunds}
    for status in states:
        for refund in refunds:
            less = min(by, refund.amount_fen)
            if refund.status is status and less > 0:
                rows[refund.out_refund_no] = _less(rows[refund.out_refund_no], less)
                by = Fen(by - less)
    return tuple(rows.values())


def _less(refund: Refund, fen: Fen) -> Refund:
    refund = replace(refund, amount_fen=Fen(refund.amount_fen - fen))
    if refund.amount_fen == NO_MONEY:
        return replace(move_refund(refund, RefundStatus.RELEASED), next_try_at=None)
    if refund.sent_at is None:
        return refund
    # a platform refuses another amount under a number that it has heard of; and what it refused
    # for good may have been too much for it beside what the portal paid
    owed = not_accepted(move_refund(refund, RefundStatus.OWED))
    return replace(owed, generation=refund.generation + 1)


def not_accepted(refund: Refund) -> Refund:
    """The refund as its platform has not accepted it, or no more; when it did first is kept."""
    first = refund.first_accepted_at or refund.accepted_at
    return replace(refund, accepted_at=None, first_accepted_at=first)
