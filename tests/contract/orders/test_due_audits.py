"""Orders whose goods somebody shall look for: found by time, moved, and written with a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.errors import StaleWrite
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import Order, OrderId, OrderStatus
from chalicelib.orders.ports import Change, OrderStore
from tests.contract.orders.things import MESSAGE, NOW, ORDER

MINUTE = timedelta(minutes=1)


def _order(number: int, due_in_minutes: int | None) -> Order:
    due = None if due_in_minutes is None else NOW + due_in_minutes * MINUTE
    return replace(ORDER, order_id=OrderId(str(number)), status=OrderStatus.PAID, next_audit_at=due)


def _due(store: OrderStore, now: datetime, page: int = 100) -> tuple[str, ...]:
    due = list(store.due_audits(now, page))
    for audit in due:
        order = store.order(audit.order_id)
        assert order is not None
        assert order.next_audit_at == audit.at
    return tuple(audit.order_id for audit in due)


def _put(store: OrderStore, *orders: Order) -> None:
    for order in orders:
        store.commit(Change(write_id=f"w{order.order_id}", orders=(order,)))


def test_orders_are_due_by_time_the_longest_due_first(store: OrderStore) -> None:
    # more than one in a shard, and one in each
    _put(store, *(_order(3000 + n, due_in_minutes=10 - n) for n in range(9)))

    assert _due(store, NOW) == ()
    assert _due(store, NOW + 5 * MINUTE) == ("3008", "3007", "3006", "3005")
    assert _due(store, NOW + 9 * MINUTE, page=1) == tuple(str(3008 - n) for n in range(8))


def test_an_order_that_nobody_need_look_at_leaves_the_index(store: OrderStore) -> None:
    _put(store, _order(3000, 0), _order(3001, None))
    gone = replace(_order(3000, None), audits=2, version=1)
    store.commit(Change(write_id="w2", orders=(gone,)))

    assert _due(store, NOW + MINUTE) == ()
    assert store.order(OrderId("3000")) == replace(gone, version=2)


def test_an_audit_is_moved_without_a_new_version(store: OrderStore) -> None:
    _put(store, _order(3000, 0))
    store.reschedule_audit(OrderId("3000"), NOW, NOW + MINUTE)

    assert _due(store, NOW) == ()
    assert _due(store, NOW + MINUTE) == ("3000",)
    order = store.order(OrderId("3000"))
    assert order is not None
    assert order.version == 1


def test_an_audit_that_somebody_else_moved_or_ended_stays_as_it_is(store: OrderStore) -> None:
    _put(store, _order(3000, 2), _order(3001, None))
    store.reschedule_audit(OrderId("3000"), NOW, NOW + 9 * MINUTE)
    store.reschedule_audit(OrderId("3001"), NOW, NOW + MINUTE)
    assert _due(store, NOW + 9 * MINUTE) == ("3000",)
    assert _due(store, NOW + 2 * MINUTE) == ("3000",)


def _with_message(order: Order, write_id: str) -> Change:
    message: OutboxMessage = replace(MESSAGE, event_key=f"{order.order_id}#paid")
    return Change(write_id=write_id, orders=(order,), messages=(message,))


def test_a_message_that_is_there_already_keeps_the_order_as_it_was(store: OrderStore) -> None:
    """The order can be written without it on the same version: nobody else was in the way."""
    store.commit(_with_message(_order(3000, 0), "w1"))
    later = replace(_order(3000, 10), audits=1, version=1)
    with pytest.raises(StaleWrite):
        store.commit(_with_message(later, "w2"))
    assert store.order(OrderId("3000")) == replace(_order(3000, 0), version=1)

    store.commit(Change(write_id="w2", orders=(later,)))
    assert store.order(OrderId("3000")) == replace(later, version=2)
    assert _due(store, NOW) == ()
    assert _due(store, NOW + 10 * MINUTE) == ("3000",)


def test_of_two_that_put_a_message_again_one_is_stale(store: OrderStore) -> None:
    _put(store, _order(3000, 0))
    later = replace(_order(3000, 10), audits=1, version=1)
    store.commit(_with_message(later, "w2"))
    store.commit(_with_message(later, "w2"))  # its own write, repeated
    with pytest.raises(StaleWrite):
        store.commit(_with_message(later, "w3"))
    assert store.order(OrderId("3000")) == replace(later, version=2)
