"""A third seller, written from docs/adding-a-seller.md, beside the two others on a real broker."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.learning.sale import CoursePurchasables
from chalicelib.money import Fen
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, OutboxMessage
from chalicelib.purchasables import OrderType, SaleStatus
from chalicelib.resources.sale import MaterialPurchasables
from chalicelib.selling.codes import ChooseStatus, PublishStatus
from chalicelib.selling.sellers import Sellers
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.contract.selling.promises import SellerPromises
from tests.contract.selling.shops import PRICE, Shop
from tests.fakes.numbers import FakeNumbers
from tests.integration.mq.third_seller import (
    MOCK_EXAM,
    Exam,
    ExamChoosing,
    ExamEntry,
    ExamGranting,
    ExamPurchasables,
    ExamRevoking,
    ExamStore,
    exams_refund_subscription,
    exams_subscription,
    on_paid,
    on_refunded,
)
from tests.integration.mq.two_sellers import DELAYS, TABLES, AtItsQueues, Market
from tests.integration.mq.virtual_host import a_virtual_host
from tests.unit.learning.builders import STUDENT
from tests.unit.selling.builders import paid, refunded

COURSE, MATERIAL = OrderType.COURSE, OrderType.STUDY_MATERIAL
EXAM = Exam(exam_id="4001", title="支付接入模拟考试", price_fen=PRICE)
SUBSCRIPTIONS = (exams_subscription(DELAYS), exams_refund_subscription(DELAYS))


class Exams(AtItsQueues):
    """The third seller at its queues."""

    def __init__(self, broker: ExternalBroker) -> None:
        self.store = ExamStore()
        super().__init__(broker, SUBSCRIPTIONS, on_paid(self.store), on_refunded(self.store))


@pytest.fixture
def market(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[Market]:
    create_tables(*TABLES)
    with a_virtual_host(broker) as host:
        market = Market(host, local_settings, more=SUBSCRIPTIONS)
        market.courses.choose("500")
        market.materials.choose("500")
        yield market
        market.leave()


@pytest.fixture
def exams(market: Market) -> Exams:
    exams = Exams(market.broker)
    exams.store.put_exam(EXAM)
    exams.store.put(an_entry())
    return exams


def an_entry(entry_id: str = "500") -> ExamEntry:
    return ExamEntry(
        entry_id=entry_id,
        user_id=STUDENT,
        exam_id=EXAM.exam_id,
        title=EXAM.title,
        price_fen=Fen(990),
    )


class ExamShop:
    """Implements `tests.contract.selling.shops.Shop`."""

    order_type = MOCK_EXAM
    goods_id = EXAM.exam_id

    def __init__(self) -> None:
        self.store = ExamStore()
        self.store.put_exam(EXAM)
        self.purchasables = ExamPurchasables(self.store)
        self.grants, self.revocations = ExamGranting(self.store), ExamRevoking(self.store)
        self._choosing = ExamChoosing(self.store, FakeNumbers().next_number)

    def choose(self, user_id: str) -> str:
        return self._choosing.choose(user_id, self.goods_id).entry_id

    def reprice(self, title: str, price_fen: Fen) -> None:
        self.store.put_exam(replace(EXAM, title=title, price_fen=price_fen))

    def take_offline(self) -> None:
        self.store.put_exam(replace(EXAM, publish_status=PublishStatus.OFFLINE))

    def is_open(self, user_id: str) -> bool:
        entry = self.store.standing_entry(user_id, self.goods_id)
        return entry is not None and entry.may_sit


class TestExams(SellerPromises):
    """What every seller promises, by the list's last rows."""

    @pytest.fixture
    def shop(self) -> Shop:
        return ExamShop()


def statuses(market: Market, exams: Exams) -> list[ChooseStatus]:
    entry = exams.store.entry("500")
    assert entry is not None
    return [market.courses.kept("500").status, market.materials.kept("500").status, entry.status]


def test_it_hears_grants_and_revokes_its_own_beside_the_others_who_ignore_it(
    market: Market, exams: Exams
) -> None:
    everybody = (market.courses, market.materials, exams)
    awaiting, chosen, back = (
        ChooseStatus.AWAITING_PAYMENT,
        ChooseStatus.CHOSEN,
        ChooseStatus.REFUNDED,
    )
    for kind, expected in (
        (MOCK_EXAM, [awaiting, awaiting, chosen]),
        (COURSE, [chosen, awaiting, chosen]),
        (MATERIAL, [chosen, chosen, chosen]),
    ):
        market.tell(paid(kind, "500"))
        for seller in everybody:
            seller.hear(paid=1)
        assert statuses(market, exams) == expected

    market.tell(refunded(MOCK_EXAM, "500"))
    for seller in everybody:
        seller.hear(refunded=1)
    assert statuses(market, exams) == [chosen, chosen, back]
    market.tell(refunded(COURSE, "500"), refunded(MATERIAL, "500"))
    for seller in everybody:
        seller.hear(refunded=2)
    assert statuses(market, exams) == [back, back, back]
    assert [seller.left_over() for seller in everybody] == [[], [], []]


def test_while_its_store_refuses_the_others_go_on_and_its_messages_wait(
    market: Market, exams: Exams
) -> None:
    market.tell(*(paid(kind, "500") for kind in (MOCK_EXAM, COURSE, MATERIAL)))
    exams.store.refuses = lambda: True
    report = exams.run(0, on_paid(exams.store), 1)
    assert (report.acked, report.retried, report.dead) == (0, 0, 0)
    for seller in (market.courses, market.materials):
        seller.hear(paid=3)
    exams.store.refuses = lambda: False

    exams.hear(paid=3)
    assert statuses(market, exams) == [ChooseStatus.CHOSEN] * 3
    entry = exams.store.entry("500")
    assert entry is not None
    assert entry.version == 2, "chosen once, paid once"


def test_the_order_service_asks_it_about_its_own_goods_and_the_others_about_theirs(
    market: Market, exams: Exams
) -> None:
    sellers = Sellers(
        {
            COURSE: CoursePurchasables(market.courses.store),
            MATERIAL: MaterialPurchasables(market.materials.store),
            MOCK_EXAM: ExamPurchasables(exams.store),
        }
    )
    market.tell(paid(MOCK_EXAM, "500"))
    exams.hear(paid=1)

    asked = {kind: sellers.get("500", kind) for kind in (COURSE, MATERIAL, MOCK_EXAM)}
    # there is no catalogue here, so the two have nothing to sell
    assert {kind: goods and goods.status for kind, goods in asked.items()} == {
        COURSE: SaleStatus.NOT_FOR_SALE,
        MATERIAL: SaleStatus.NOT_FOR_SALE,
        MOCK_EXAM: SaleStatus.GRANTED,
    }


@pytest.mark.parametrize("gone", [False, True], ids=["kept", "refunded"])
def test_in_any_order_and_repeated_its_messages_end_in_the_same_entry(gone: bool) -> None:
    told = [paid(MOCK_EXAM, "500"), *([refunded(MOCK_EXAM, "500")] if gone else [])]
    chance, ends = random.Random(60203), set()
    for _ in range(50):
        store = ExamStore()
        store.put(an_entry())
        heard = [*told, *told, paid(COURSE, "500"), refunded(MATERIAL, "500")]
        chance.shuffle(heard)
        for message in heard:
            assert _handled(store, message) == Ack()
        entry = store.entry("500")
        assert entry is not None
        ends.add((entry.status, entry.paid_at is not None, entry.may_sit))
    assert ends == {
        (ChooseStatus.REFUNDED, True, False) if gone else (ChooseStatus.CHOSEN, True, True)
    }


def _handled(store: ExamStore, message: OutboxMessage) -> object:
    of_payments = message.exchange == PAYNOTIFY_EXCHANGE
    handler = on_paid(store) if of_payments else on_refunded(store)
    return handler(Delivery(tag=1, message_id=message.message_id, body=message.body.encode()))
