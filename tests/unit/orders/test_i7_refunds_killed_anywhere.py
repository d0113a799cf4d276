"""I7: the desk and the job of refunds are killed around each of their remote calls, and run again.

Killed after a call to the platform, it has done what it was asked for and nobody hears of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.orders.model import SurplusReason
from chalicelib.orders.verdict import RefundClosed
from tests.unit.orders.killing import Fate, Killed
from tests.unit.orders.refunding import SUPERVISOR, Refunding

Handler = Callable[[], object]
_PARTS = ("desk", "sender", "settling", "results")


def _request(world: Refunding) -> Handler:
    return lambda: world.ask(300)


def _approve(world: Refunding) -> Handler:
    number = world.ask(600).out_refund_no
    return lambda: world.desk.approve(number, SUPERVISOR)


def _reject(world: Refunding) -> Handler:
    number = world.ask(600).out_refund_no
    return lambda: world.desk.reject(number, SUPERVISOR)


def _send(world: Refunding) -> Handler:
    world.ask(300, revoke=True)
    return world.run_until_quiet


def _send_after_the_portal(world: Refunding) -> Handler:
    world.ask(300)
    world.platform.pay_back_in_portal(200)
    return world.run_until_quiet


def _send_what_got_lost(world: Refunding) -> Handler:
    world.ask(300)
    world.platform.loses_answers = 1
    return world.run_until_quiet


def _send_a_surplus(world: Refunding) -> Handler:
    return world.run_until_quiet


def _accepted_and_finished(world: Refunding) -> Handler:
    number = world.ask(300).out_refund_no
    world.run()
    world.platform.finish(number)
    return world.run_until_quiet


def _closed_and_sent_again(world: Refunding) -> Handler:
    number = world.ask(300).out_refund_no
    world.run()
    world.platform.finish(number, RefundClosed())

    def until_it_is_there_again() -> None:
        for _ in range(6):
            world.clock.advance(minutes=10)
            world.run()

    return until_it_is_there_again


ALIPAY = [_request, _send, _send_after_the_portal, _send_what_got_lost]
LARGE = [_approve, _reject]
WECHAT = [_accepted_and_finished, _closed_and_sent_again]
CASES: list[tuple[Callable[[Refunding], Handler], Callable[[], Refunding]]] = [
    *((prepare, Refunding) for prepare in ALIPAY),
    *((prepare, lambda: Refunding(approval_above=500)) for prepare in LARGE),
    *((prepare, lambda: Refunding(wechat=True)) for prepare in WECHAT),
    (_send_a_surplus, lambda: Refunding(surplus=SurplusReason.TOO_LATE)),
]


def _state(world: Refunding) -> dict[str, object]:
    return {
        "rows": sorted(
            (row.kind, row.amount_fen, row.status, row.generation) for row in world.rows
        ),
        "record": (world.record.status, world.record.reserved_fen, world.record.refunded_fen),
        "order": (world.order.status, world.order.revoked_by),
        "messages": sorted(world.store.outbox),
        "quota": list(world.store.quotas.values()),
        "at the platform": (sorted(world.platform.made), world.platform.back_fen),
        "broken rules": world.platform.broken_rules,
    }


class Doomed:
    """The store or the platform, until the call that ``fate`` names."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return self._fate.around(getattr(self._real, name))


def _is_killed(world: Refunding, handler: Handler, fatal: int, *, done: bool) -> bool:
    fate = Fate(fatal, done)
    parts = [getattr(world, name) for name in _PARTS]
    for part in parts:
        part._store = Doomed(world.store, fate)
    world.served = Doomed(world.platform, fate)
    try:
        handler()
    except Killed:
        return True
    finally:
        for part in parts:
            part._store = world.store
        world.served = world.platform
    return False


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(("prepare", "begin"), CASES)
def test_i7_whatever_was_killed_is_completed_by_running_it_again(
    prepare: Callable[[Refunding], Handler], begin: Callable[[], Refunding], done: bool
) -> None:
    undisturbed = begin()
    prepare(undisturbed)()
    expected = _state(undisturbed)

    deaths = 0
    for fatal in range(1, 200):
        world = begin()
        handler = prepare(world)
        if not _is_killed(world, handler, fatal, done=done):
            break
        deaths += 1
        handler()
        assert _state(world) == expected, f"killed at call {fatal}"
        world.assert_i1()
    assert 3 <= deaths < 199
