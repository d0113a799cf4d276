"""The cashier: what a payment link shows, and opening an attempt at its platform.

Showing changes nothing, because link scanners and previews open links as well. Opening fixes the
attempt: from then on the same payer on the same channel gets the byte-identical request each time,
and anybody else a new attempt, after this one was closed at its platform.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import (
    ChannelRefused,
    ChannelUnavailable,
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
    StaleWrite,
)
from chalicelib.optimistic import until_written
from chalicelib.orders.attempts import (
    LEAST_TIME_TO_PAY,
    MOST_ATTEMPTS,
    CheckSchedule,
    attempt_for,
    with_new_attempt,
)
from chalicelib.orders.claims import claimed, is_calling, is_overdue, refuse_while_calling, released
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderStatus,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
)
from chalicelib.orders.platform import Channels, Payer, PaymentChannel, Presentation
from chalicelib.orders.ports import AsksPlatforms, Change, Numbers, OrderStore
from chalicelib.orders.verdict import NotThereYet, StillOpen
from chalicelib.orders.withdrawal import Withdrawal
from chalicelib.purchasables import Purchasables, SaleStatus

_T = TypeVar("_T", Order, PayRecord)

_RETRY_SECONDS = 3
_REFUSED_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Counter:
    """What stands on the cashier's counter: the order of a link and its live attempt."""

    order: Order
    live: PayRecord

    def payable(self, now: datetime) -> bool:
        """Whether the order can still be paid: who has it open already may go on to its end."""
        order = self.order
        closes = order.closing_because is not None and order.closing_because.closes_the_order
        return order.status is OrderStatus.UNPAID and not closes and now < order.expires_at

    def openable(self, now: datetime) -> bool:
        """Whether there is time enough left for somebody to open it anew."""
        return self.payable(now) and now + LEAST_TIME_TO_PAY < self.order.expires_at

    def busy(self, now: datetime) -> bool:
        """Whether a platform is being asked for this order right now."""
        return self.order.status is OrderStatus.UNPAID and is_calling(self.order, now)


class Cashier:
    """Shows and opens payment attempts."""

    def __init__(
        self,
        *,
        store: OrderStore,
        purchasables: Purchasables,
        channels: Channels,
        results: AsksPlatforms,
        withdrawal: Withdrawal,
        numbers: Numbers,
        clock: Clock,
        schedule: CheckSchedule,
        claim_for: timedelta,
    ) -> None:
        self._store = store
        self._purchasables = purchasables
        self._channels = channels
        self._results = results
        self._withdrawal = withdrawal
        self._numbers = numbers
        self._clock = clock
        self._schedule = schedule
        self._claim_for = claim_for

    def show(self, pay_no: PayNo) -> Counter:
        """The order that a link's pay number belongs to, and its live attempt; changes nothing.

        Raises
        ------
        NotFound
            There is no such attempt.
        """
        named = self._store.pay_record(pay_no)
        order = self._store.order(named.order_id) if named is not None else None
        live = self._store.pay_record(order.live_pay_no) if order is not None else None
        if order is None or live is None:
            raise NotFound("支付记录不存在", detail=f"pay_no {pay_no}")
        return Counter(order, live)

    def open(self, pay_no: PayNo, payer: Payer, deadline: Deadline) -> Presentation:
        """Open the order of a link at a platform: what the payer's browser does next.

        Idempotent for the same payer on the same channel. Anybody else closes the attempt that
        is open and gets one of their own (I3: one is offered at a time).

        Raises
        ------
        NotFound
            There is no such attempt.
        OrderAlreadyPaid, OrderNotPayable, NotForSale
            It cannot be opened any more; the message says why.
        PaymentInProgress
            A platform is being asked, or did not answer; the same call later goes on.
        ChannelRefused
            The platform does not want this payment.
        """
        return until_written(lambda: self._open_once(pay_no, payer, deadline))

    def _open_once(self, pay_no: PayNo, payer: Payer, deadline: Deadline) -> Presentation:
        counter = self.show(pay_no)
        now = self._clock.now()
        self._refuse_unless_payable(counter, now)
        refuse_while_calling(counter.order, now)
        order, live = counter.order, counter.live
        platform = self._channels[payer.channel]()
        if live.status is PayStatus.UNPAID and live.opened_at is not None:
            if is_overdue(order, now):
                self._ask_what_became_of(live, deadline)
            if payer.opened(live) and order.closing_because is None:
                return self._again(counter, platform, deadline)
        if not counter.openable(now):
            raise OrderNotPayable
        self._refuse_unless_on_sale(order)
        if live.status is not PayStatus.UNPAID or live.opened_at is not None:
            order, live = self._in_its_place(order, live, deadline)
        return self._first(order, live, payer, platform, deadline)

    @staticmethod
    def _refuse_unless_payable(counter: Counter, now: datetime) -> None:
        match counter.order.status:
            case OrderStatus.PAID | OrderStatus.COMPLETED:
                raise OrderAlreadyPaid
            case OrderStatus.UNPAID if counter.payable(now):
                return
            case _:
                raise OrderNotPayable

    def _refuse_unless_on_sale(self, order: Order) -> None:
        goods = self._purchasables.get(order.out_business_id, order.order_type)
        if goods is None or goods.status.is_refused:
            raise NotForSale
        if goods.status is SaleStatus.GRANTED:
            raise OrderAlreadyPaid

    def _ask_what_became_of(self, live: PayRecord, deadline: Deadline) -> None:
        """A call without a clear end may have opened or closed the attempt, or both.

        Returns when the attempt is as it was.
        """
        try:
            verdict = self._results.ask(live, deadline)
        except ChannelUnavailable as error:
            raise _in_progress(error) from error
        if not isinstance(verdict, StillOpen | NotThereYet):
            raise StaleWrite(detail=f"{live.pay_no}: {type(verdict).__name__}, read again")

    def _in_its_place(
        self, order: Order, live: PayRecord, deadline: Deadline
    ) -> tuple[Order, PayRecord]:
        """A new attempt instead of one that is closed, or that somebody else has open."""
        if len(order.pay_nos) >= MOST_ATTEMPTS:
            raise OrderNotPayable("支付尝试次数过多，请取消订单后重新购买")
        gone = self._withdrawal.withdraw(order, live, ClosingReason.SWITCHED, deadline)
        order = with_new_attempt(gone.order, PayNo(self._numbers.next_number()))
        live = attempt_for(order, self._clock.now())
        self._commit(order, live, *gone.attempts)
        return _stored(order), _stored(live)

    def _first(
        self,
        order: Order,
        live: PayRecord,
        payer: Payer,
        platform: PaymentChannel,
        deadline: Deadline,
    ) -> Presentation:
        """Store the request, claim the order, and only then let anybody hear of it."""
        now = self._clock.now()
        opening = platform.freeze(live, payer, now)
        live = replace(
            live,
            channel=payer.channel,
            trade_type=payer.trade_type,
            openid=payer.openid,
            client_ip=payer.client_ip,
            app_id=opening.app_id,
            merchant_id=opening.merchant_id,
            request=opening.request,
            opened_at=now,
        )
        live = replace(live, next_check_at=self._schedule.next_check(live, now))
        if platform.is_fresh(live, now):
            self._commit(released(order, Phase.OPEN), live)
            return platform.present(live, now)
        return self._start(order, live, platform, deadline)

    def _again(
        self, counter: Counter, platform: PaymentChannel, deadline: Deadline
    ) -> Presentation:
        """The attempt of this payer once more: what the platform gave, or the same request."""
        now = self._clock.now()
        if counter.order.phase is Phase.OPEN and platform.is_fresh(counter.live, now):
            return platform.present(counter.live, now)
        if not counter.openable(now):
            raise OrderNotPayable
        return self._start(counter.order, counter.live, platform, deadline)

    def _start(
        self, order: Order, live: PayRecord, platform: PaymentChannel, deadline: Deadline
    ) -> Presentation:
        order = claimed(order, Phase.OPENING, self._clock.now() + self._claim_for)
        self._commit(order, live)
        order, live = _stored(order), _stored(live)
        try:
            prepay = platform.start(live, deadline)
        except ChannelUnavailable as error:
            # it may have arrived: the claim stays, and whoever comes after it asks first
            raise _in_progress(error) from error
        except ChannelRefused:
            self._ask_what_became_of(live, deadline)
            # nobody's clicks shall make us ask without end
            pause_ends = self._clock.now() + _REFUSED_PAUSE
            self._commit(replace(order, claim_deadline=pause_ends), live)
            raise
        now = self._clock.now()
        live = replace(live, prepay=prepay, prepay_at=now)
        # a claim that somebody took over makes this write stale: then nobody gets this attempt
        self._commit(released(order, Phase.OPEN), live)
        return platform.present(live, now)

    def _commit(self, order: Order, *records: PayRecord) -> None:
        self._store.commit(
            Change(write_id=secrets.token_hex(8), orders=(order,), pay_records=records)
        )


def _in_progress(error: ChannelUnavailable) -> PaymentInProgress:
    return PaymentInProgress(detail=str(error), retry_after_seconds=_RETRY_SECONDS)


def _stored(thing: _T) -> _T:
    """As it is after the write."""
    return replace(thing, version=thing.version + 1)
