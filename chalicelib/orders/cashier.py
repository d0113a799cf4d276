"""The cashier: what a payment link shows, and opening an attempt at its platform.

Showing changes nothing, because link scanners and previews open links as well. Opening fixes the
attempt: from then on the same channel gets the byte-identical request each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.clock import Clock
from chalicelib.errors import (
    NotForSale,
    NotFound,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
)
from chalicelib.optimistic import until_written
from chalicelib.orders.model import (
    Order,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Phase,
)
from chalicelib.orders.ports import Change, Form, OrderStore, PaymentChannel
from chalicelib.purchasables import Purchasables, SaleStatus


@dataclass(frozen=True, slots=True)
class Counter:
    """What stands on the cashier's counter: the order of a link and its live attempt."""

    order: Order
    live: PayRecord

    def payable(self, now: datetime) -> bool:
        """Whether somebody may still open the live attempt."""
        return (
            self.order.status is OrderStatus.UNPAID
            and self.live.status is PayStatus.UNPAID
            and now < self.order.expires_at
        )


class Cashier:
    """Shows and opens payment attempts."""

    def __init__(
        self,
        *,
        store: OrderStore,
        purchasables: Purchasables,
        channels: Mapping[PayChannel, Callable[[], PaymentChannel]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._purchasables = purchasables
        self._channels = channels
        self._clock = clock

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

    def open(self, pay_no: PayNo, channel: PayChannel) -> Form:
        """Open the live attempt at a platform: the form that the payer's browser submits.

        Idempotent: the first opening stores the signed request in the transaction that claims
        the order, every later one presents the stored request again.

        Raises
        ------
        NotFound
            There is no such attempt.
        OrderAlreadyPaid, OrderNotPayable, NotForSale
            It cannot be opened any more; the message says why.
        PaymentInProgress
            It is open at another platform.
        """
        return until_written(lambda: self._open_once(pay_no, channel))

    def _open_once(self, pay_no: PayNo, channel: PayChannel) -> Form:
        counter = self.show(pay_no)
        self._refuse_unless_payable(counter)
        platform = self._channels[channel]()
        if counter.live.channel is None:
            self._refuse_unless_on_sale(counter.order)
            return platform.present(self._freeze(counter, channel, platform))
        if counter.live.channel is not channel:
            raise PaymentInProgress("该订单正在通过其他方式支付，请稍候", retry_after_seconds=10)
        return platform.present(counter.live)

    def _refuse_unless_payable(self, counter: Counter) -> None:
        match counter.order.status:
            case OrderStatus.PAID | OrderStatus.COMPLETED:
                raise OrderAlreadyPaid
            case OrderStatus.UNPAID if counter.payable(self._clock.now()):
                return
            case _:
                raise OrderNotPayable

    def _refuse_unless_on_sale(self, order: Order) -> None:
        goods = self._purchasables.get(order.out_business_id, order.order_type)
        if goods is None or goods.status is SaleStatus.NOT_FOR_SALE:
            raise NotForSale
        if goods.status is SaleStatus.GRANTED:
            raise OrderAlreadyPaid

    def _freeze(self, counter: Counter, channel: PayChannel, platform: PaymentChannel) -> PayRecord:
        """Store the request with the order's phase in one transaction, before anybody sees it."""
        now = self._clock.now()
        opening = platform.freeze(counter.live, now)
        record = replace(
            counter.live,
            channel=channel,
            trade_type=opening.trade_type,
            app_id=opening.app_id,
            merchant_id=opening.merchant_id,
            request=opening.request,
            opened_at=now,
        )
        order = replace(counter.order, phase=Phase.OPEN)
        self._store.commit(
            Change(write_id=secrets.token_hex(8), orders=(order,), pay_records=(record,))
        )
        return record
