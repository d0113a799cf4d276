"""I7: a handler is killed before or after each of its calls to the store, and run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.orders.model import NotThereYet
from tests.unit.orders.shop import Shop


class Killed(BaseException):
    """The container is gone; nothing may catch this."""


class KillingStore:
    """The store, until the fatal call; which one is the test's to say."""

    def __init__(self, store: Any, fatal_call: int, *, done: bool) -> None:
        self._store = store
        self._left = fatal_call
        self._done = done

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        def counted(*args: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._done:
                raise Killed
            answer = call(*args)
            if self._left == 0:
                raise Killed
            return answer

        return counted


Handler = Callable[[], object]


def _offer(shop: Shop) -> Handler:
    return shop.offer


def _open(shop: Shop) -> Handler:
    pay_no = shop.offer().record.pay_no
    return lambda: shop.open(pay_no)


def _notify(shop: Shop) -> Handler:
    pay_no, paid = shop.opened().record.pay_no, shop.paid()
    return lambda: shop.notified(pay_no, paid)


def _surplus(shop: Shop) -> Handler:
    pay_no, paid = shop.opened().record.pay_no, shop.paid(fen=1)
    return lambda: shop.notified(pay_no, paid)


def _query(shop: Shop) -> Handler:
    pay_no = shop.opened().record.pay_no
    shop.alipay.verdict = shop.paid()
    return lambda: shop.results.outcome(pay_no, Deadline.after(8))


def _replace(shop: Shop) -> Handler:
    expires_at = shop.opened().order.expires_at
    shop.alipay.verdict = NotThereYet()
    shop.clock.set(expires_at)
    return shop.offer


PREPARED: list[Callable[[Shop], Handler]] = [_offer, _open, _notify, _surplus, _query, _replace]


def _settled_state(shop: Shop) -> dict[str, object]:
    """What counts in the end: not the numbers that were minted on the way."""
    store = shop.store
    return {
        "orders": sorted((o.status, o.total_fen, o.phase) for o in store.orders.values()),
        "records": sorted(
            (r.status, r.amount_fen, r.paid_fen or 0, r.surplus or "", r.channel or "")
            for r in store.records.values()
        ),
        "refunds": sorted((r.amount_fen, r.status) for r in store.refunds.values()),
        "messages": len(store.outbox),
        "guards": sorted(store.guards),
        "balance": shop.balance(),
    }


def _killed_at(shop: Shop, handler: Handler, fatal: int, *, done: bool) -> bool:
    """Whether the handler was killed; every part of the shop sees the killing store."""
    killing: Any = KillingStore(shop.store, fatal, done=done)
    parts = (shop.service, shop.cashier, shop.results)
    for part in parts:
        part._store = killing
    try:
        handler()
    except Killed:
        return True
    finally:
        for part in parts:
            part._store = shop.store
    return False


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("prepare", PREPARED)
def test_i7_whatever_was_killed_is_completed_by_running_it_again(
    prepare: Callable[[Shop], Handler], done: bool
) -> None:
    undisturbed = Shop()
    prepare(undisturbed)()
    expected = _settled_state(undisturbed)

    deaths = 0
    for fatal in range(1, 60):
        shop = Shop()
        handler = prepare(shop)
        if not _killed_at(shop, handler, fatal, done=done):
            break
        deaths += 1
        shop.clock.advance(seconds=4)  # the next container comes a moment later
        handler()
        assert _settled_state(shop) == expected, f"killed at call {fatal}"
    assert 4 <= deaths < 59
