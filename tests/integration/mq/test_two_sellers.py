"""Two sellers hear every message by the real broker; each acts on its own, in its real tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chalicelib.mq.drain import DrainReport
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.settings import Settings
from infra.local.processes.children import free_port
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.conftest import ANSWER_SECONDS, eventually
from tests.integration.mq.learning_centre import Noting, drain
from tests.integration.mq.two_sellers import (
    TABLES,
    Courses,
    Kept,
    Market,
    Materials,
)
from tests.integration.mq.virtual_host import a_virtual_host
from tests.unit.selling.builders import paid, refunded

COURSE, MATERIAL = OrderType.COURSE, OrderType.STUDY_MATERIAL
MANY = [str(number) for number in range(500, 520)]


def open_by(record_id: str) -> Kept:
    """Granted once: chosen, then paid."""
    return Kept(ChooseStatus.CHOSEN, ((record_id, False),), versions=(2, 1))


def closed_by(record_id: str) -> Kept:
    """Granted once and taken back once."""
    return Kept(ChooseStatus.REFUNDED, ((record_id, True),), versions=(3, 2))


UNTOUCHED = Kept(ChooseStatus.AWAITING_PAYMENT, (), versions=(1, 0))


@pytest.fixture
def market(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[Market]:
    create_tables(*TABLES)
    with a_virtual_host(broker) as host:
        market = Market(host, local_settings)
        yield market
        market.leave()


def test_a_payment_of_each_type_is_heard_by_both_and_granted_by_its_own(market: Market) -> None:
    # one id in both: who looked at the id alone would grant the other's goods
    market.courses.choose("500")
    market.materials.choose("500")

    market.tell(paid(COURSE, "500"))
    market.courses.hear(paid=1)
    market.materials.hear(paid=1)
    assert market.courses.kept("500") == open_by("500")
    assert market.materials.kept("500") == UNTOUCHED

    market.tell(paid(MATERIAL, "500"))
    market.courses.hear(paid=1)
    market.materials.hear(paid=1)
    assert market.courses.kept("500") == open_by("500")
    assert market.materials.kept("500") == open_by("500")
    assert market.courses.left_over() == market.materials.left_over() == []


def test_a_refund_of_each_type_is_heard_by_both_and_taken_back_by_its_own(market: Market) -> None:
    for seller in (market.courses, market.materials):
        seller.choose("500")
    market.tell(paid(COURSE, "500"), paid(MATERIAL, "500"))
    for seller in (market.courses, market.materials):
        seller.hear(paid=2)

    market.tell(refunded(MATERIAL, "500"))
    for seller in (market.courses, market.materials):
        seller.hear(refunded=1)
    assert market.courses.kept("500") == open_by("500")
    assert market.materials.kept("500") == closed_by("500")

    market.tell(refunded(COURSE, "500"))
    for seller in (market.courses, market.materials):
        seller.hear(refunded=1)
    assert market.courses.kept("500") == closed_by("500")
    assert market.materials.kept("500") == closed_by("500")
    assert market.courses.left_over() == market.materials.left_over() == []


@pytest.mark.parametrize("away", ["courses", "materials"])
def test_while_the_functions_of_one_do_not_run_the_other_goes_on_and_nothing_is_lost(
    market: Market, away: str
) -> None:
    there, gone = _there_and(away, market)
    _choose_many(market)
    market.tell(*(paid(kind, each) for each in MANY for kind in (COURSE, MATERIAL)))
    there.hear(paid=2 * len(MANY))
    market.tell(*(refunded(kind, each) for each in MANY[:5] for kind in (COURSE, MATERIAL)))
    there.hear(refunded=10)
    assert [there.kept(each) for each in MANY] == _ends()
    assert [gone.kept(each) for each in MANY] == [UNTOUCHED] * len(MANY)

    gone.hear(paid=2 * len(MANY))
    gone.hear(refunded=10)
    assert [gone.kept(each) for each in MANY] == _ends()
    assert there.left_over() == gone.left_over() == []


@pytest.mark.parametrize("refusing", ["courses", "materials"])
def test_while_the_store_of_one_refuses_everything_the_other_is_not_delayed(
    market: Market, refusing: str
) -> None:
    there, gone = _there_and(refusing, market)
    nobody_there = {"DYNAMODB_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    broken = Settings.from_env({"STAGE": "local", "TABLE_PREFIX": "none-", **nobody_there})
    in_vain, over = Noting(gone.handlers(broken)[0]), threading.Event()
    reports: list[DrainReport] = []
    own = MATERIAL if there is market.materials else COURSE
    other = COURSE if own is MATERIAL else MATERIAL
    _choose_many(market)
    # its own first, so that there is nothing that it could acknowledge
    market.tell(*(paid(kind, each) for kind in (other, own) for each in MANY))

    def run_in_vain() -> None:
        reports.append(drain(gone.wires[0], in_vain, over.is_set))

    thread = threading.Thread(target=run_in_vain)
    thread.start()
    try:
        eventually(lambda: bool(in_vain.handled), "nothing came to the one that is refused")
        there.hear(paid=2 * len(MANY))
        assert [there.kept(each) for each in MANY] == [open_by(each) for each in MANY]
        assert thread.is_alive(), "it waits in place"
    finally:
        over.set()
        thread.join(ANSWER_SECONDS)
    (report,) = reports
    assert (report.acked, report.retried, report.dead, report.stuck) == (0, 0, 0, 0)
    assert [gone.kept(each) for each in MANY] == [UNTOUCHED] * len(MANY)

    gone.hear(paid=2 * len(MANY))
    assert [gone.kept(each) for each in MANY] == [open_by(each) for each in MANY]
    assert there.left_over() == gone.left_over() == []


def _there_and(away: str, market: Market) -> tuple[Courses | Materials, Courses | Materials]:
    sellers = (market.courses, market.materials)
    return sellers if away == "materials" else sellers[::-1]


def _choose_many(market: Market) -> None:
    for record_id in MANY:
        market.courses.choose(record_id, course_id=f"course-{record_id}")
        market.materials.choose(record_id, material_id=f"material-{record_id}")


def _ends() -> list[Kept]:
    return [closed_by(each) if each in MANY[:5] else open_by(each) for each in MANY]
