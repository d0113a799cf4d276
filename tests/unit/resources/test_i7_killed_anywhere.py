"""I7: grant, refund and choice are killed before or after each call to the store, and run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.resources.ports import ResourcesChange
from tests.fakes.resources import FakeResourcesStore
from tests.unit.orders.killing import Fate, Killed
from tests.unit.resources.builders import (
    STUDENT,
    Library,
    a_free_material,
    a_material,
    a_pending_record,
)

Handler = Callable[[], object]
FREE = replace(a_free_material(), material_id="3002")


class Mortal:
    """A store of materials, until the call that ``fate`` names."""

    REMOTE = frozenset({"material", "choose_material", "pending", "owned", "commit"})

    def __init__(self, real: FakeResourcesStore) -> None:
        self.real = real
        self.fate: Fate | None = None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.real, name)
        return self.fate.around(call) if self.fate and name in self.REMOTE else call


def _choose_paid(library: Library) -> Handler:
    library.store.put_material(a_material())
    return library.choose


def _choose_free(library: Library) -> Handler:
    library.store.put_material(FREE)
    return library.choose


def _choose_at_a_new_price(library: Library) -> Handler:
    _choose_paid(library)()
    library.store.put_material(a_material(price_fen=2500))
    return library.choose


def _choose_what_became_free(library: Library) -> Handler:
    _choose_paid(library)()
    library.store.put_material(FREE)
    return library.choose


def _choose_after_a_refund(library: Library) -> Handler:
    _revoke(library)()
    return library.choose


def _grant(library: Library) -> Handler:
    _choose_paid(library)()
    return lambda: library.pay(_first(library))


def _grant_beside_a_free_grant(library: Library) -> Handler:
    _choose_what_became_free(library)()
    return lambda: library.pay(_first(library))


def _grant_what_is_refunded(library: Library) -> Handler:
    grant = _grant(library)
    library.refund(_first(library))
    return grant


def _revoke(library: Library) -> Handler:
    _grant(library)()
    return lambda: library.refund(_first(library))


def _revoke_what_is_not_granted_yet(library: Library) -> Handler:
    _grant(library)
    return lambda: library.refund(_first(library))


def _revoke_one_of_two(library: Library) -> Handler:
    _grant(library)()
    other = ResourcesChange(write_id="501", choose_material=a_pending_record("501"))
    library.store.commit(other)
    library.pay("501")
    return lambda: library.refund(_first(library))


def _first(library: Library) -> str:
    return library.store.records[0].choose_material_id


PREPARED: list[Callable[[Library], Handler]] = [
    _choose_paid,
    _choose_free,
    _choose_at_a_new_price,
    _choose_what_became_free,
    _choose_after_a_refund,
    _grant,
    _grant_beside_a_free_grant,
    _grant_what_is_refunded,
    _revoke,
    _revoke_what_is_not_granted_yet,
    _revoke_one_of_two,
]


def _begun(prepare: Callable[[Library], Handler]) -> tuple[Any, Library, Handler]:
    store: Any = Mortal(FakeResourcesStore())
    library = Library(store=store)
    return store, library, prepare(library)


def _state(library: Library) -> dict[str, object]:
    """What counts in the end: not the numbers that were minted on the way."""
    store = library.store
    places = {r.choose_material_id: place for place, r in enumerate(store.records)}
    owned = store.owned(STUDENT, "3002")
    pending = store.pending(STUDENT, "3002")
    return {
        "records": [(r.status, r.price_fen, r.paid_at, r.version) for r in store.records],
        "pending": pending and places[pending.choose_material_id],
        "grants": owned and [(places[g.choose_material_id], g.revoked) for g in owned.grants],
        "version": owned and owned.version,
        "transactions": len(store.commits),
    }


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("prepare", PREPARED)
def test_i7_whatever_was_killed_is_completed_by_running_it_again(
    prepare: Callable[[Library], Handler], done: bool
) -> None:
    _, undisturbed, handler = _begun(prepare)
    before = _state(undisturbed)
    handler()
    expected = _state(undisturbed)
    assert expected != before

    deaths = 0
    for fatal in range(1, 20):
        store, library, handler = _begun(prepare)
        store.fate = Fate(fatal, done)
        try:
            handler()
            break
        except Killed:
            deaths += 1
        store.fate = None
        handler()
        assert _state(library) == expected, f"killed at call {fatal}"
    assert 2 <= deaths < 19
