"""I7: an audit is killed before or after each of its remote calls, and run again."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.purchasables import SaleStatus
from tests.unit.orders.auditing import PAID_KEY, PAID_MESSAGE, REVOKED_KEY, Auditing, revoked
from tests.unit.orders.killing import Fate, Killed

_MOST_CALLS = 20

PREPARED: dict[str, tuple[dict[str, Any], SaleStatus | None, bool]] = {
    "granted": ({}, SaleStatus.GRANTED, False),
    "paid, not granted": ({}, SaleStatus.AWAITING_PAYMENT, False),
    "paid, not granted, still in the outbox": ({}, None, True),
    "refunded, not taken back": (revoked(), SaleStatus.GRANTED, False),
}


class _Killing:
    """The store or the seller, until the fatal call."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real, self._fate = real, fate

    def __getattr__(self, name: str) -> Any:
        return self._fate.around(getattr(self._real, name))


def _prepared(name: str) -> Auditing:
    state, answer, waiting = PREPARED[name]
    auditing = Auditing(**state)
    auditing.seller_says(answer)
    if waiting:
        auditing.store.outbox[PAID_KEY] = PAID_MESSAGE
    return auditing


def _result(auditing: Auditing) -> tuple[object, ...]:
    order = auditing.order
    return auditing.emitted(), order.audits, order.next_audit_at is not None, order.version


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("name", PREPARED)
def test_i7_a_killed_audit_is_completed_by_the_next_and_tells_once(name: str, done: bool) -> None:
    undisturbed = _prepared(name)
    undisturbed.run()
    expected = _result(undisturbed)

    deaths = 0
    for fatal in range(1, _MOST_CALLS):
        auditing = _prepared(name)
        fate = Fate(fatal, done)
        killing = auditing.another(
            store=_Killing(auditing.store, fate), sellers=_Killing(auditing.sellers, fate)
        )
        try:
            killing.run(Deadline.after(60))
        except Killed:
            deaths += 1
        else:
            break
        auditing.clock.advance(minutes=1)
        auditing.run()
        assert _result(auditing) == expected, f"killed at call {fatal}"
        assert set(auditing.emitted()) <= {PAID_KEY, REVOKED_KEY}
        if expected[2]:
            assert auditing.reports, "nobody was alarmed"
    assert 4 <= deaths < _MOST_CALLS - 1
