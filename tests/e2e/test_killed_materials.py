"""Only the function that grants study materials is killed, in the middle of a grant."""

from __future__ import annotations

import os
import re
import signal

from chalicelib.dynamo import Dynamo
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.settings import Settings
from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.steps import until
from tests.e2e.database_gate import DatabaseGate, Held
from tests.e2e.school import A_COURSE, A_MATERIAL, PATIENCE_SECONDS, School, do
from tests.e2e.waiting import who_waits

_TRANSACTION = "TransactWriteItems"
_GRANTS = "owned-materials"
_ACKED = re.compile(r'"queue":"paynotify_resources_queue","report":"DrainReport\(acked=[1-9]')


def test_a_course_opens_while_the_grants_of_materials_die_and_hang(
    school: School, gate: DatabaseGate
) -> None:
    """One is killed before its write, and who comes after it hangs: no course waits for them."""
    purchase = _to_be_paid(school)
    with gate.holding_each(_TRANSACTION, purchase.record_id, _GRANTS) as grant:
        purchase.way.pay()
        _kill_at(school, grant)

        do(*school.purchase(school.by_wechat(), goods=A_COURSE).steps())
        assert not A_MATERIAL.is_open(purchase.student)

    do(*purchase.steps()[4:])
    _is_granted_once(school, purchase)


def test_a_grant_that_was_killed_after_its_write_is_granted_once(
    school: School, gate: DatabaseGate
) -> None:
    purchase = _to_be_paid(school)
    grant = gate.hold(_TRANSACTION, purchase.record_id, _GRANTS, carried_out=True)
    purchase.way.pay()
    grant.wait()
    comes_again = gate.hold("GetItem", f"record#{purchase.record_id}", carried_out=True)
    acked_before = _acks(school)

    _kill_at(school, grant)

    comes_again.wait()
    until("it is not acked", lambda: _acks(school) > acked_before, PATIENCE_SECONDS)
    do(*purchase.steps()[4:])
    _is_granted_once(school, purchase)


def _to_be_paid(school: School) -> Purchase:
    purchase = school.purchase(school.by_wechat(), goods=A_MATERIAL)
    do(*purchase.steps()[:3])
    return purchase


def _kill_at(school: School, grant: Held) -> None:
    """Kill the process that waits for its write; the schedule starts another."""
    grant.wait()
    os.kill(who_waits(school.stack, "scheduler", grant), signal.SIGKILL)


def _acks(school: School) -> int:
    """How many runs of the drain have acknowledged something, and ended."""
    return len(_ACKED.findall(school.stack.part("scheduler").child.output()))


def _is_granted_once(school: School, purchase: Purchase) -> None:
    store = DynamoResourcesStore(Dynamo(Settings.from_env(school.stack.env)))
    owned = store.owned(purchase.shopper.user_id, A_MATERIAL.material_id)
    assert owned is not None
    assert [grant.choose_material_id for grant in owned.grants] == [purchase.record_id]
