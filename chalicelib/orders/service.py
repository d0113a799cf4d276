"""Placing an order and offering it for payment: steps 2 and 3 of a purchase."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import (
    GoodsBeingOpened,
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    OrderNotPayable,
)
from chalicelib.money import Fen
from chalicelib.optimistic import until_written
from chalicelib.orders.attempts import (
    LEAST_TIME_TO_PAY,
    MOST_ATTEMPTS,
    attempt_for,
    with_new_attempt,
)
from chalicelib.orders.claims import refuse_while_calling
from chalicelib.orders.model import (
    ClosingReason,
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayNo,
    PayRecord,
    PayStatus,
)
from chalicelib.orders.ports import Change, GuardTake, Numbers, OrderStore
from chalicelib.orders.states import move_order
from chalicelib.orders.withdrawal import Withdrawal
from chalicelib.purchasables import OrderType, Purchasable, Purchasables, SaleStatus


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
        withdrawal: Withdrawal,
        numbers: Numbers,
        clock: Clock,
        expires_after: timedelta,
    ) -> None:
        self._store = store
        self._purchasables = purchasables
        self._withdrawal = withdrawal
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
        OrderAlreadyPaid, GoodsBeingOpened
            It is paid; the goods are granted, or will be in a moment.
        PaymentInProgress
            The order has expired, but its payment may still arrive.
        """
        return until_written(
            lambda: self._offer_once(user_id, out_business_id, order_type, deadline)
        )

    def cancel(self, user_id: str, order_id: OrderId, deadline: Deadline) -> Order:
        """Close an unpaid order for its owner; the goods can be ordered again at once.

        Idempotent: an order that is closed already is returned as it is.

        Raises
        ------
        NotFound
            No such order, or somebody else's.
        OrderAlreadyPaid
            It is paid, perhaps only just.
        PaymentInProgress
            The platform does not answer whether the payment can be stopped; a job goes on.
        """
        order = self._store.order(order_id)
        if order is None or order.user_id != user_id:
            raise NotFound("订单不存在", detail=f"order {order_id}")
        if order.status is OrderStatus.UNPAID:
            order = self._withdrawal.close_order(order_id, ClosingReason.CANCELLED, deadline)
        if order.status in (OrderStatus.PAID, OrderStatus.COMPLETED, OrderStatus.REFUNDED):
            raise OrderAlreadyPaid
        return order

    def _offer_once(
        self, user_id: str, out_business_id: str, order_type: OrderType, deadline: Deadline
    ) -> Offer:
        goods = self._goods_of(user_id, out_business_id, order_type)
        guarded = self._store.guarded_order_id(out_business_id)
        order = self._store.order(guarded) if guarded is not None else None
        if order is not None and order.status in (OrderStatus.PAID, OrderStatus.COMPLETED):
            if order.revoked_by is None:
                raise GoodsBeingOpened
            raise _given_back()
        if order is not None and order.status is OrderStatus.REFUNDED:
            # the seller has not heard of the refund yet: what is paid now would buy nothing
            raise _given_back()
        if goods.status.is_refused:
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
            raise NotFound("购买记录不存在", detail=f"{order_type} {out_business_id}")
        if goods.status is SaleStatus.GRANTED:
            raise OrderAlreadyPaid
        return goods

    def _continue(self, order: Order, goods: Purchasable, deadline: Deadline) -> Offer:
        live = self._store.pay_record(order.live_pay_no)
        assert live is not None, f"order {order.order_id} lost its attempt"
        now = self._clock.now()
        if order.closing_because is not None and order.closing_because.closes_the_order:
            refuse_while_calling(order, now)
            return self._replace(order, live, goods, order.closing_because, deadline)
        if now + LEAST_TIME_TO_PAY >= order.expires_at:
            return self._replace(order, live, goods, ClosingReason.EXPIRED, deadline)
        on_offer = live.status is PayStatus.UNPAID
        if on_offer and live.opened_at is not None:
            # honoured to its end, whatever the catalogue says meanwhile
            return Offer(order=order, record=live)
        if self._changed(order, goods):
            return self._replace(order, live, goods, ClosingReason.REPLACED, deadline)
        return Offer(order=order, record=live) if on_offer else self._new_attempt(order, now)

    def _changed(self, order: Order, goods: Purchasable) -> bool:
        item = self._store.items(order.order_id)[0]
        return (item.price_fen, item.valid_days) != (goods.price_fen, goods.valid_days)

    def _replace(
        self,
        order: Order,
        live: PayRecord,
        goods: Purchasable,
        because: ClosingReason,
        deadline: Deadline,
    ) -> Offer:
        """Close an unpaid order and make its successor, in one transaction.

        Only a platform that closed the attempt, or knows no such trade, frees the order.
        """
        gone = self._withdrawal.withdraw(order, live, because, deadline)
        closed = replace(move_order(gone.order, OrderStatus.CLOSED), closing_because=because)
        offer = self._new_order(
            goods, guarded=order.order_id, also_orders=(closed,), also_attempts=gone.attempts
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
        pay_no = PayNo(self._numbers.next_number())
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
            live_pay_no=pay_no,
            pay_nos=(pay_no,),
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
        refuse_while_calling(order, now)
        if len(order.pay_nos) >= MOST_ATTEMPTS:
            raise OrderNotPayable("支付尝试次数过多，请取消订单后重新购买")
        order = with_new_attempt(order, PayNo(self._numbers.next_number()))
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


def _given_back() -> NotForSale:
    return NotForSale("该订单已退款，请重新选购")
