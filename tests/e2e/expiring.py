"""Orders whose time is over, without waiting for half an hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.optimistic import until_written
from chalicelib.orders.model import OrderId
from chalicelib.orders.ports import Change
from chalicelib.orders.storage.store import DynamoOrderStore
from chalicelib.settings import Settings
from infra.local.stack import Stack

_NOT_SOON = timedelta(minutes=10)


def let_expire(stack: Stack, order_id: str, *, job_looks: bool) -> None:
    """Put the end of an order and of its live attempt into the past.

    The platform's trade keeps its own end. ``job_looks`` says whether `watch_payments` looks at it
    now, or not before somebody else does something about it.
    """
    settings = Settings.from_env(stack.env)
    store = DynamoOrderStore(Dynamo(settings), settings.notify_rejected_ttl_days)
    until_written(lambda: _write(store, OrderId(order_id), job_looks=job_looks))


def _write(store: DynamoOrderStore, order_id: OrderId, *, job_looks: bool) -> None:
    order = store.order(order_id)
    assert order is not None
    live = store.pay_record(order.live_pay_no)
    assert live is not None
    now = SystemClock().now()
    over = now - timedelta(seconds=1)
    next_check_at = over if job_looks else now + _NOT_SOON
    store.commit(
        Change(
            write_id="its time is over",
            orders=(replace(order, expires_at=over),),
            pay_records=(replace(live, expires_at=over, next_check_at=next_check_at),),
        )
    )
