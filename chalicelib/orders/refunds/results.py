"""Results of refunds: what a platform says of one, by notify or when asked, is settled here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.clock import Clock
from chalicelib.errors import NotifyUnusable
from chalicelib.optimistic import until_written
from chalicelib.orders.grant_schedule import AuditSchedule, to_be_audited
from chalicelib.orders.model import (
    Order,
    OrderItem,
    PayNo,
    PayRecord,
    Refund,
    RefundStatus,
)
from chalicelib.orders.platform import RefundNotice
from chalicelib.orders.ports import Change, OrderStore, Report
from chalicelib.orders.refunds.settle import (
    RefundCase,
    RefundPolicy,
    settle_external,
    settle_refund,
)
from chalicelib.orders.verdict import (
    Contradiction,
    NothingToDo,
    RefundAccepted,
    RefundDone,
    RefundMoved,
    RefundSeen,
    RefundVerdict,
    Settlement,
)

_Decision = tuple[Settlement, Change | None]

_COUNTED_AS = {
    RefundStatus.DONE: "RefundsDone",
    RefundStatus.MANUAL: "RefundsManual",
    RefundStatus.OWED: "RefundsRetried",
}


@dataclass(frozen=True, slots=True)
class _Payment:
    order: Order
    item: OrderItem
    record: PayRecord
    refunds: tuple[Refund, ...]


class RefundSettling:
    """Every verdict about a refund ends in the one right state."""

    def __init__(
        self,
        store: OrderStore,
        clock: Clock,
        report: Report,
        policy: RefundPolicy | None = None,
        audits: AuditSchedule | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._report = report
        self._policy = policy or RefundPolicy()
        self._audits = audits or AuditSchedule()

    def told(self, pay_no: PayNo, notice: RefundNotice) -> Settlement:
        """Settle what a verified notification tells of a refund; safe to repeat.

        A number that is none of ours is a refund made in the merchant portal.

        Raises
        ------
        NotifyUnusable
            We know of no payment yet that it could be about: it shall be sent again.
        StaleWrite, Unavailable
            Our storage failed: it shall be sent again.
        """
        write_id = secrets.token_hex(8)

        def decide() -> _Decision:
            payment = self._payment(pay_no)
            for refund in payment.refunds:
                generation = generation_of(refund, notice.channel_refund_no)
                if generation is not None:
                    return self._decide(payment, refund, generation, notice.verdict, write_id)
            return self._decide_external(payment, notice, write_id)

        return self._written(decide, notice.verdict)

    def settle(self, asked: Refund, verdict: RefundVerdict) -> Settlement:
        """Settle what the platform answered about ``asked``, which names number and generation.

        Safe to repeat.

        Raises
        ------
        StaleWrite, Unavailable
            Our storage failed; the refund is due again.
        """
        write_id = secrets.token_hex(8)

        def decide() -> _Decision:
            payment = self._payment(asked.pay_no)
            refund = next(
                row for row in payment.refunds if row.out_refund_no == asked.out_refund_no
            )
            return self._decide(payment, refund, asked.generation, verdict, write_id)

        return self._written(decide, verdict)

    def _payment(self, pay_no: PayNo) -> _Payment:
        record = self._store.pay_record(pay_no)
        order = self._store.order(record.order_id) if record is not None else None
        if record is None or order is None or record.paid_fen is None:
            raise NotifyUnusable(detail=f"a refund, and no payment of {pay_no} is known")
        return _Payment(
            order=order,
            item=self._store.items(order.order_id)[0],
            record=record,
            refunds=self._store.refunds(record.refund_nos),
        )

    def _decide(
        self,
        payment: _Payment,
        refund: Refund,
        generation: int,
        verdict: RefundVerdict,
        write_id: str,
    ) -> _Decision:
        case = RefundCase(
            order=payment.order,
            item=payment.item,
            record=payment.record,
            refunds=payment.refunds,
            refund=refund,
            generation=generation,
        )
        return settle_refund(case, verdict, self._clock.now(), write_id, self._policy)

    def _decide_external(self, payment: _Payment, notice: RefundNotice, write_id: str) -> _Decision:
        if not isinstance(notice.verdict, RefundDone):
            return NothingToDo("a refund of the merchant portal that is not done"), None
        return settle_external(
            payment.order,
            payment.item,
            payment.record,
            payment.refunds,
            notice.channel_refund_no,
            notice.verdict,
            self._clock.now(),
            write_id,
        )

    def _written(self, decide: Callable[[], _Decision], verdict: RefundVerdict) -> Settlement:
        def decide_and_write() -> Settlement:
            settlement, change = decide()
            if change is not None:
                self._store.commit(to_be_audited(change, self._audits, self._clock.now()))
            return settlement

        settlement = until_written(decide_and_write)
        self._tell(settlement, verdict)
        return settlement

    def _tell(self, settlement: Settlement, verdict: RefundVerdict) -> None:
        match settlement:
            case Contradiction():
                self._report("ContradictingVerdicts")
            case RefundSeen():
                self._report("RefundsSeen")
            case RefundMoved(to) if to in _COUNTED_AS:
                self._report(_COUNTED_AS[RefundStatus(to)])
            case NothingToDo() if not isinstance(verdict, RefundAccepted):
                self._report("RefundsRetried")
            case _:
                pass


def generation_of(refund: Refund, channel_refund_no: str) -> int | None:
    """The generation of ``refund`` that went by this number at the platform; None: never."""
    if channel_refund_no == refund.out_refund_no:
        return 1
    later = range(2, refund.generation + 1)
    names = {f"{refund.out_refund_no}_{generation}": generation for generation in later}
    return names.get(channel_refund_no)
