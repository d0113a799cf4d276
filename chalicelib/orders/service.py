"""Placing an order and offering it for payment: steps 2 and 3 of a purchase."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import (
    ChannelError,
    CourseBeingOpened,
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    PaymentInProgress,
    StaleWrite,
)
from chalicelib.money import Fen
from chalicelib.optimistic import until_written
from chalicelib.orders.model import (
    ClosedUnpaid,
    NotThereYet,
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    Paid,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
    Verdict,
)
from chalicelib.orders.ports import Change, GuardTake, Numbers, OrderStore
from chalicelib.orders.settle import withdrawn
from chalicelib.purchasables import OrderType, Purchasable, Purchasables, SaleStatus

LEAST_TIME_TO_PAY = timedelta(seconds=90)
"""With less left, an order that nobody has opened is replaced by a new one."""


class AsksPlatforms(Protocol):
    """`PaymentResults.ask`."""

    def ask(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Query the platform about an opened attempt and settle what it says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the student is asked to pay, and the attempt that the QR code names.

    ``previous_price_fen`` is set when this order replaces one of another price.
    """

    order: Order
    record: PayRecord
    previous_price_fen: Fen | None = None


class OrderService:
    """Makes orders; never believes a price, an owner or a status that a client sends."""

    def __init__(
        self,
        *,
        store: OrderStore,
        purchasables: Purchasables,
        results: AsksPlatforms,
        numbers: Numbers,
        clock: Clock,
        expires_after: timedelta,
    ) -> None:
        self._store = store
        self._purchasables = purchasables
        self._results = results
        self._numbers = numbers
        self._clock = clock
        self._expires_after = expires_after

    def offer(
        self, user_id: str, out_business_id: str, order_type: OrderType, deadline: Deadline
    ) -> Offer:
        """The live attempt of the one unpaid order for a business id; makes both when needed.

        Idempotent: a repeated or concurrent call gets the same order and pay number, until the
        order expires or its price changes before anybody opened it.

        Raises
        ------
        NotFound
            No such record, or somebody else's.
        NotForSale
            The seller does not offer it now.
        OrderAlreadyPaid, CourseBeingOpened
            It is paid; the goods are granted, or will be in a moment.
        PaymentInProgress
            The order has expired, but its payment may still arrive.
        """
        return until_written(
            lambda: self._offer_once(user_id, out_business_id, order_type, deadline)
        )

    def _offer_once(
        self, user_id: str, out_business_id: str, order_type: OrderType, deadline: Deadline
    ) -> Offer:
        goods = self._goods_of(user_id, out_business_id, order_type)
        guarded = self._store.guarded_order_id(out_business_id)
        order = self._store.order(guarded) if guarded is not None else None
        if order is not None and order.status in (OrderStatus.PAID, OrderStatus.COMPLETED):
            raise CourseBeingOpened
        if goods.status is SaleStatus.NOT_FOR_SALE:
            raise NotForSale
        if order is None:
            return self._new_order(goods, guarded=guarded)
        if order.status is not OrderStatus.UNPAID:
            # rewritten as it is: a payment that re-opens it meanwhile makes this write stale
            return self._new_order(goods, guarded=guarded, also_orders=(order,))
        return self._continue(order, goods, deadline)

    def _goods_of(self, user_id: str, out_business_id: str, order_type: OrderType) -> Purchasable:
        goods = self._purchasables.get(out_business_id, order_type)
        if goods is None or goods.owner_id != user_id:
            raise NotFound("选课记录不存在", detail=f"{order_type} {out_business_id}")
        if goods.status is SaleStatus.GRANTED:
            raise OrderAlreadyPaid
        return goods

    def _continue(self, order: Order, goods: Purchasable, deadline: Deadline) -> Offer:
        live = self._store.pay_record(order.live_pay_no)
        assert live is not None, f"order {order.order_id} lost its attempt"
        now = self._clock.now()
        on_offer = live.status is PayStatus.UNPAID
        if on_offer and live.opened_at is not None:
            # honoured to its end, whatever the catalogue says meanwhile
            if now < order.expires_at:
                return Offer(order=order, record=live)
            self._make_sure_nothing_is_paid(live, deadline)
            return self._replace(order, goods)
        if now + LEAST_TIME_TO_PAY >= order.expires_at or self._changed(order, goods):
            return self._replace(order, goods)
        return Offer(order=order, record=live) if on_offer else self._new_attempt(order, now)

    def _changed(self, order: Order, goods: Purchasable) -> bool:
        item = self._store.items(order.order_id)[0]
        return (item.price_fen, item.valid_days) != (goods.price_fen, goods.valid_days)

    def _make_sure_nothing_is_paid(self, live: PayRecord, deadline: Deadline) -> None:
        """Only a platform that says "closed" or "no such trade" frees an expired order."""
        try:
            verdict = self._results.ask(live, deadline)
        except ChannelError as error:
            raise PaymentInProgress(detail=str(error), retry_after_seconds=10) from error
        match verdict:
            case ClosedUnpaid() | NotThereYet():
                return
            case Paid():
                raise StaleWrite(detail="paid: settled just now, read again")
            case _:
                raise PaymentInProgress(detail=repr(verdict), retry_after_seconds=10)

    def _replace(self, order: Order, goods: Purchasable) -> Offer:
        """Close an unpaid order and make its successor, in one transaction."""
        order = self._store.order(order.order_id) or order  # asking may have written
        live = self._store.pay_record(order.live_pay_no)
        if order.status is not OrderStatus.UNPAID or live is None:
            raise PaymentInProgress(retry_after_seconds=1)
        closed = replace(order, status=OrderStatus.CLOSED, phase=Phase.NONE)
        attempts = (withdrawn(live),) if live.status is PayStatus.UNPAID else ()
        offer = self._new_order(
            goods, guarded=order.order_id, also_orders=(closed,), also_attempts=attempts
        )
        changed = order.total_fen != offer.order.total_fen
        return replace(offer, previous_price_fen=order.total_fen if changed else None)

    def _new_order(
        self,
        goods: Purchasable,
        *,
        guarded: OrderId | None,
        also_orders: tuple[Order, ...] = (),
        also_attempts: tuple[PayRecord, ...] = (),
    ) -> Offer:
        now = self._clock.now()
        order_id = OrderId(self._numbers.next_number())
        expires_at = now + self._expires_after
        order = Order(
            order_id=order_id,
            user_id=goods.owner_id,
            out_business_id=goods.out_business_id,
            order_type=goods.order_type,
            status=OrderStatus.UNPAID,
            total_fen=goods.price_fen,
            title=goods.title,
            created_at=now,
            expires_at=expires_at,
            live_pay_no=PayNo(self._numbers.next_number()),
        )
        item = OrderItem(
            order_id=order_id,
            goods_id=goods.goods_id,
            goods_type=goods.order_type,
            title=goods.title,
            price_fen=goods.price_fen,
            valid_days=goods.valid_days,
        )
        record = attempt_for(order, now)
        self._store.commit(
            Change(
                write_id=secrets.token_hex(8),
                orders=(order, *also_orders),
                pay_records=(record, *also_attempts),
                items=(item,),
                take_guard=GuardTake(
                    out_business_id=goods.out_business_id, order_id=order_id, replacing=guarded
                ),
            )
        )
        return self._stored_offer(order)

    def _new_attempt(self, order: Order, now: datetime) -> Offer:
        """The live attempt can no longer be paid, the order can: offer it under a new number."""
        order = replace(order, live_pay_no=PayNo(self._numbers.next_number()), phase=Phase.NONE)
        self._store.commit(
            Change(
                write_id=secrets.token_hex(8),
                orders=(order,),
                pay_records=(attempt_for(order, now),),
            )
        )
        return self._stored_offer(order)

    def _stored_offer(self, order: Order) -> Offer:
        stored = self._store.order(order.order_id)
        record = self._store.pay_record(order.live_pay_no)
        assert stored is not None
        assert record is not None
        return Offer(order=stored, record=record)


def attempt_for(order: Order, now: datetime) -> PayRecord:
    """A new attempt under the order's live pay number, not opened yet."""
    return PayRecord(
        pay_no=order.live_pay_no,
        order_id=order.order_id,
        user_id=order.user_id,
        status=PayStatus.UNPAID,
        amount_fen=order.total_fen,
        subject=order.title,
        created_at=now,
        expires_at=order.expires_at,
    )
