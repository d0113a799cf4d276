"""The operator's desk: refunds that a person asks for, and another approves when they are large."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain

from chalicelib.clock import Clock
from chalicelib.errors import Forbidden, NotFound, RefundNotPossible
from chalicelib.money import NO_MONEY, Fen, fen_to_yuan_text
from chalicelib.optimistic import until_written
from chalicelib.orders.model import (
    Order,
    OrderId,
    PayNo,
    PayRecord,
    PayStatus,
    Refund,
    RefundKind,
    RefundStatus,
)
from chalicelib.orders.ports import Change, OrderStore, Report
from chalicelib.orders.refunds.money_back import owed_fen
from chalicelib.orders.refunds.sums import counted, left_to_refund, sum_of, with_refund
from chalicelib.orders.states import move_refund

REMIND_AFTER = timedelta(hours=1)
"""How often a refund that waits for approval is counted again."""

MOST_REFUNDS = 50
"""Of one payment (https://pay.weixin.qq.com/doc/v3/merchant/4012556457)."""

_REJECTED_BY = "rejected by "


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAsk:
    """What an operator asks for. What is None is left to us.

    ``idempotency_key`` names the wish: asking again with it asks for nothing more. ``amount_fen``
    None: all that is left. ``pay_no`` None: the payment that bought the goods. ``revoke`` None:
    the goods go when the whole amount goes.
    """

    idempotency_key: str
    reason: str
    amount_fen: Fen | None = None
    pay_no: PayNo | None = None
    revoke: bool | None = None


class RefundDesk:
    """Takes refunds in. Sending them is the business of `chalicelib.orders.refunds.sender`."""

    def __init__(
        self, *, store: OrderStore, clock: Clock, report: Report, approval_above_fen: Fen
    ) -> None:
        self._store = store
        self._clock = clock
        self._report = report
        self._approval_above = approval_above_fen

    def request(self, order_id: OrderId, ask: RefundAsk, requested_by: str) -> Refund:
        """Reserve the money of a refund; it is owed now, or waits for approval when it is large.

        Idempotent by order and key: the same words give the same refund. One transaction.

        Raises
        ------
        NotFound
            There is no such order.
        RefundNotPossible
            Not paid, more than is left, or the key was used with other words.
        """
        write_id = secrets.token_hex(8)
        return until_written(lambda: self._request(order_id, ask, requested_by, write_id))

    def approve(self, out_refund_no: str, approved_by: str) -> Refund:
        """Let a refund go out that waited for it; idempotent.

        Raises
        ------
        NotFound
            There is no such refund.
        Forbidden
            By the one who asked for it.
        RefundNotPossible
            It never waited for approval, or was turned down.
        """
        write_id = secrets.token_hex(8)
        return until_written(lambda: self._approve(out_refund_no, approved_by, write_id))

    def reject(self, out_refund_no: str, rejected_by: str) -> Refund:
        """Turn down a refund that waits for approval, and free its money; idempotent.

        Raises
        ------
        NotFound
            There is no such refund.
        RefundNotPossible
            It is approved, or never waited for approval.
        """
        write_id = secrets.token_hex(8)
        return until_written(lambda: self._reject(out_refund_no, rejected_by, write_id))

    def refunds_of(self, order_id: OrderId) -> tuple[Refund, ...]:
        """All refunds of an order's payments, payment by payment, oldest first.

        Raises
        ------
        NotFound
            There is no such order.
        """
        records = self._store.pay_records(self._order(order_id).pay_nos)
        numbers = chain.from_iterable(record.refund_nos for record in records)
        return self._store.refunds(tuple(numbers))

    def _order(self, order_id: OrderId) -> Order:
        order = self._store.order(order_id)
        if order is None:
            raise NotFound("订单不存在", detail=f"order {order_id}")
        return order

    def _refund(self, out_refund_no: str) -> Refund:
        refund = self._store.refund(out_refund_no)
        if refund is None:
            raise NotFound("退款不存在", detail="no such refund")
        return refund

    def _request(
        self, order_id: OrderId, ask: RefundAsk, requested_by: str, write_id: str
    ) -> Refund:
        order = self._order(order_id)
        digest = hashlib.sha256(f"{order_id}{ask.idempotency_key}".encode()).hexdigest()[:16]
        pay_no = ask.pay_no or order.paid_by_pay_no
        # the key is the order's: whichever of its payments was named with it before
        for known in self._store.refunds([f"{each}_{digest}" for each in order.pay_nos]):
            return _same_words(known, ask, pay_no)
        record = self._refundable(order, pay_no)
        refund = self._asked(record, ask, requested_by, digest)
        self._store.commit(
            Change(
                write_id=write_id,
                # unchanged, but on its version: the same key for two payments must meet here
                orders=(order,),
                pay_records=(with_refund(record, refund),),
                refunds=(refund,),
            )
        )
        waits = refund.status is RefundStatus.AWAITING_APPROVAL
        self._report("RefundsAwaitingApproval" if waits else "RefundsRequested")
        return self._refund(refund.out_refund_no)

    def _refundable(self, order: Order, pay_no: PayNo | None) -> PayRecord:
        record = self._store.pay_record(pay_no) if pay_no in order.pay_nos and pay_no else None
        if record is None or record.status is not PayStatus.PAID:
            raise RefundNotPossible("没有可退款的支付", detail=f"order {order.order_id}")
        if len(record.refund_nos) >= MOST_REFUNDS:
            raise RefundNotPossible(f"一笔支付最多退款 {MOST_REFUNDS} 次")
        return record

    def _asked(self, record: PayRecord, ask: RefundAsk, requested_by: str, digest: str) -> Refund:
        left = left_to_refund(record)
        amount = left if ask.amount_fen is None else ask.amount_fen
        if not NO_MONEY < amount <= left:
            raise RefundNotPossible(f"最多还可以退 {fen_to_yuan_text(left)} 元")
        refunds = self._store.refunds(record.refund_nos)
        on_its_way = owed_fen(refunds)
        is_all = amount + record.refunded_fen + on_its_way == record.paid_fen
        now = self._clock.now()
        # in parts it needs the second person as well as in one
        waits = amount + _by_one_person(refunds) > self._approval_above
        return Refund(
            out_refund_no=f"{record.pay_no}_{digest}",
            pay_no=record.pay_no,
            order_id=record.order_id,
            kind=RefundKind.ON_DEMAND,
            amount_fen=amount,
            amount_asked_fen=amount,
            reason=ask.reason,
            revoke=is_all if ask.revoke is None else ask.revoke,
            status=RefundStatus.AWAITING_APPROVAL if waits else RefundStatus.OWED,
            created_at=now,
            requested_by=requested_by,
            next_try_at=now + REMIND_AFTER if waits else now,
        )

    def _approve(self, out_refund_no: str, approved_by: str, write_id: str) -> Refund:
        refund = self._refund(out_refund_no)
        if refund.requested_by == approved_by:
            raise Forbidden("退款不能由申请人自己审批", detail=f"refund {out_refund_no}")
        if refund.approved_by is not None:
            return refund
        if refund.status is not RefundStatus.AWAITING_APPROVAL:
            raise RefundNotPossible("该退款不在等待审批", detail=f"it is {refund.status}")
        approved = replace(
            move_refund(refund, RefundStatus.OWED),
            approved_by=approved_by,
            next_try_at=self._clock.now(),
        )
        self._store.commit(Change(write_id=write_id, refunds=(approved,)))
        self._report("RefundsApproved")
        return self._refund(out_refund_no)

    def _reject(self, out_refund_no: str, rejected_by: str, write_id: str) -> Refund:
        refund = self._refund(out_refund_no)
        if refund.status is RefundStatus.RELEASED and _was_rejected(refund):
            return refund
        if refund.status is not RefundStatus.AWAITING_APPROVAL:
            raise RefundNotPossible("该退款不在等待审批", detail=f"it is {refund.status}")
        rejected = replace(
            move_refund(refund, RefundStatus.RELEASED),
            last_answer=_REJECTED_BY + rejected_by,
            next_try_at=None,
        )
        record = self._store.pay_record(refund.pay_no)
        assert record is not None, f"refund {out_refund_no} lost its payment"
        others = self._store.refunds([no for no in record.refund_nos if no != out_refund_no])
        self._store.commit(
            Change(
                write_id=write_id,
                pay_records=(counted(record, (*others, rejected)),),
                refunds=(rejected,),
            )
        )
        return self._refund(out_refund_no)


def _was_rejected(refund: Refund) -> bool:
    return (refund.last_answer or "").startswith(_REJECTED_BY)


def _same_words(known: Refund, ask: RefundAsk, pay_no: PayNo | None) -> Refund:
    """The refund that this key has asked for before; what is left to us agrees with anything."""
    same = (
        known.pay_no == pay_no
        and known.reason == ask.reason
        and ask.amount_fen in (None, known.amount_asked_fen)
        and ask.revoke in (None, known.revoke)
    )
    if not same:
        raise RefundNotPossible("该请求编号已用于另一笔退款", detail=known.out_refund_no)
    return known


def _by_one_person(refunds: tuple[Refund, ...]) -> Fen:
    """What was asked for of this payment, and went out without a second person."""
    return sum_of(
        refund
        for refund in refunds
        if refund.kind is RefundKind.ON_DEMAND
        and refund.approved_by is None
        and refund.status not in (RefundStatus.AWAITING_APPROVAL, RefundStatus.RELEASED)
    )
