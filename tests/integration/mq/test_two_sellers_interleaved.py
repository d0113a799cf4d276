"""I5 for two sellers by the real broker: payments and refunds of two materials and a course, in
many interleavings at once, end in the rows that their order on the calendar gives.

tests/unit/selling/test_i5_interleavings.py draws interleavings with repetitions at random, on
fakes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, OutboxMessage
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import ChooseStatus
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.integration.mq.two_sellers import TABLES, Market
from tests.integration.mq.virtual_host import a_virtual_host
from tests.unit.selling.builders import paid, refunded

COURSE, MATERIAL = OrderType.COURSE, OrderType.STUDY_MATERIAL
GOODS = {"course": COURSE, "m1": MATERIAL, "m2": MATERIAL}
KEPT = "m2"
"""Never refunded, so that a student ends with something."""
STUDENTS = 40

Kept = dict[str, tuple[ChooseStatus, list[tuple[str, bool]]]]
EXPECTED: Kept = {
    "course": (ChooseStatus.REFUNDED, [("course", True)]),
    "m1": (ChooseStatus.REFUNDED, [("m1", True)]),
    "m2": (ChooseStatus.CHOSEN, [("m2", False)]),
}


@pytest.fixture
def market(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[Market]:
    create_tables(*TABLES)
    with a_virtual_host(broker) as host:
        market = Market(host, local_settings)
        yield market
        market.leave()


def test_i5_a_course_and_two_materials_in_many_interleavings_end_in_the_same_rows(
    market: Market,
) -> None:
    chance = random.Random(60202)
    heard_by: dict[str, list[OutboxMessage]] = {}
    for number, order in enumerate(some_interleavings(chance)):
        student = f"student-{number}"
        choose_all(market, student)
        heard = [messages_of(student)[place] for place in order]
        # and one of them once more, anywhere after its first
        place = chance.randrange(len(heard))
        heard.insert(chance.randint(place + 1, len(heard)), heard[place])
        heard_by[student] = heard

    # everybody's first messages, then everybody's second: each student's order is kept
    for together in zip(*heard_by.values(), strict=True):
        market.tell(*together)
        payments = sum(message.exchange == PAYNOTIFY_EXCHANGE for message in together)
        counts = {"paid": payments, "refunded": len(together) - payments}
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(s.hear, **counts) for s in (market.courses, market.materials)]
            for run in runs:
                run.result()

    ends = {student: end_of(market, student) for student in heard_by}
    assert ends == dict.fromkeys(heard_by, EXPECTED)
    assert market.courses.left_over() == market.materials.left_over() == []


def some_interleavings(chance: random.Random) -> list[tuple[int, ...]]:
    """As they happened, backwards, and others; the same ones in every run."""
    everything = list(permutations(range(len(messages_of("student")))))
    return [everything[0], everything[-1], *chance.sample(everything[1:-1], STUDENTS - 2)]


def messages_of(student: str) -> list[OutboxMessage]:
    payments = [paid(kind, f"{student}-{goods}") for goods, kind in GOODS.items()]
    gone = [(goods, kind) for goods, kind in GOODS.items() if goods != KEPT]
    return [*payments, *(refunded(kind, f"{student}-{goods}") for goods, kind in gone)]


def choose_all(market: Market, student: str) -> None:
    market.courses.choose(f"{student}-course", user_id=student)
    for goods in ("m1", "m2"):
        market.materials.choose(f"{student}-{goods}", user_id=student, material_id=goods)


def end_of(market: Market, student: str) -> Kept:
    found: Kept = {}
    for goods, kind in GOODS.items():
        seller = market.courses if kind is COURSE else market.materials
        kept = seller.kept(f"{student}-{goods}")
        grants = [(each.removeprefix(f"{student}-"), revoked) for each, revoked in kept.grants]
        found[goods] = (kept.status, grants)
    return found
