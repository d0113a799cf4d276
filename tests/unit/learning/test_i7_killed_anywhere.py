"""I7: grant, refund and choice are killed before or after each call to the store, and run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.learning.grants import Granting
from chalicelib.learning.revocations import Revoking
from tests.fakes.learning import FakeLearningStore
from tests.unit.learning.builders import (
    STUDENT,
    School,
    a_course,
    a_free_course,
    a_pay_result,
    a_refund_result,
)
from tests.unit.orders.killing import Fate, Killed

Handler = Callable[[], object]


class Mortal:
    """A learning store, until the call that ``fate`` names."""

    REMOTE = frozenset(
        {"course", "choose_course", "pending", "course_row", "course_rows", "commit"}
    )

    def __init__(self, real: FakeLearningStore) -> None:
        self.real = real
        self.fate: Fate | None = None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.real, name)
        return self.fate.around(call) if self.fate and name in self.REMOTE else call


def _choose_paid(school: School) -> Handler:
    school.store.put_course(a_course())
    return school.choose


def _choose_free(school: School) -> Handler:
    school.store.put_course(a_free_course("1002"))
    return school.choose


def _choose_at_a_new_price(school: School) -> Handler:
    school.store.put_course(a_course())
    school.choose()
    school.store.put_course(a_course(price_fen=200))
    return school.choose


def _choose_what_became_free(school: School) -> Handler:
    school.store.put_course(a_course())
    school.choose()
    school.store.put_course(a_free_course("1002"))
    return school.choose


def _choose_anew(school: School) -> Handler:
    _grant(school)()
    school.clock.advance(days=400)
    return school.choose


def _grant(school: School) -> Handler:
    school.store.put_course(a_course())
    paid = a_pay_result(school.choose().record.choose_course_id)
    return lambda: Granting(school.store).grant(paid)


def _grant_a_renewal(school: School) -> Handler:
    _grant(school)()
    school.clock.advance(days=350)
    number = school.choose().record.choose_course_id
    paid = a_pay_result(number, paid_at=school.clock.now())
    return lambda: Granting(school.store).grant(paid)


def _grant_what_is_refunded(school: School) -> Handler:
    grant = _grant(school)
    (record,) = school.store.records
    Revoking(school.store).revoke(a_refund_result(record.choose_course_id))
    return grant


def _revoke(school: School) -> Handler:
    _grant(school)()
    return _revoking(school)


def _revoke_what_is_not_granted_yet(school: School) -> Handler:
    _grant(school)
    return _revoking(school)


def _revoke_a_renewal(school: School) -> Handler:
    _grant_a_renewal(school)()
    return _revoking(school)


def _revoking(school: School) -> Handler:
    refund = a_refund_result(
        school.store.records[-1].choose_course_id,
        refunded_at=school.clock.now() + timedelta(days=1),
    )
    return lambda: Revoking(school.store).revoke(refund)


PREPARED: list[Callable[[School], Handler]] = [
    _choose_paid,
    _choose_free,
    _choose_at_a_new_price,
    _choose_what_became_free,
    _choose_anew,
    _grant,
    _grant_a_renewal,
    _grant_what_is_refunded,
    _revoke,
    _revoke_what_is_not_granted_yet,
    _revoke_a_renewal,
]


def _begun(prepare: Callable[[School], Handler]) -> tuple[Any, School, Handler]:
    store: Any = Mortal(FakeLearningStore())
    school = School(store=store)
    return store, school, prepare(school)


def _state(school: School) -> dict[str, object]:
    """What counts in the end: not the numbers that were minted on the way."""
    places = {r.choose_course_id: place for place, r in enumerate(school.store.records)}
    row = school.store.course_row(STUDENT, "1002")
    pending = school.store.pending(STUDENT, "1002")
    return {
        "records": [(r.status, r.price_fen, r.paid_at, r.version) for r in school.store.records],
        "pending": pending and places[pending.choose_course_id],
        "row": row and (row.valid_from, row.valid_to, row.version),
        "grants": row and [(places[g.choose_course_id], g.revoked) for g in row.grants],
        "transactions": len(school.store.commits),
    }


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("prepare", PREPARED)
def test_i7_whatever_was_killed_is_completed_by_running_it_again(
    prepare: Callable[[School], Handler], done: bool
) -> None:
    _, undisturbed, handler = _begun(prepare)
    before = _state(undisturbed)
    handler()
    expected = _state(undisturbed)
    assert expected != before

    deaths = 0
    for fatal in range(1, 20):
        store, school, handler = _begun(prepare)
        store.fate = Fate(fatal, done)
        try:
            handler()
            break
        except Killed:
            deaths += 1
        store.fate = None
        handler()
        assert _state(school) == expected, f"killed at call {fatal}"
    assert 2 <= deaths < 19
