"""The learning centre and the study materials behind one broker: the real names of exchanges and
queues in a virtual host of the test's own, the real relay, the real handlers, the real tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.clock import SystemClock
from chalicelib.dynamo import Dynamo
from chalicelib.learning.grants import Granting
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.delivery import Handler
from chalicelib.mq.drain import DrainReport
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.outbox import Outbox, OutboxItem
from chalicelib.mq.rabbit import RabbitPublisher
from chalicelib.mq.relay import Relay, RelayLimits
from chalicelib.mq.topology import Subscription, Topology, platform_topology
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import Settings
from infra.local.services.broker import ExternalBroker
from tests.integration.mq.conftest import Wire, put_by_transactions
from tests.integration.mq.learning_centre import Noting, drain
from tests.integration.mq.virtual_host import VirtualHost
from tests.unit.learning.builders import STUDENT
from tests.unit.learning.builders import a_pending_record as a_pending_course
from tests.unit.mq.builders import an_insert
from tests.unit.resources.builders import a_pending_record as a_pending_material

DELAYS = (1, 2)
TABLES = (
    OutboxItem,
    CourseItem,
    ChooseCourseItem,
    CourseTableItem,
    MaterialItem,
    ChooseMaterialItem,
    OwnedMaterialItem,
)


@dataclass(frozen=True)
class Kept:
    """What a seller keeps of one purchase. Another effect would be another version."""

    status: ChooseStatus
    grants: tuple[tuple[str, bool], ...]
    """Of the user and the goods, with whether each is revoked."""
    versions: tuple[int, int]


def kept(record: object, row: object, key: str) -> Kept:
    """The same of either seller's record and row."""
    grants = getattr(row, "grants", ())
    return Kept(
        status=record.status,  # type: ignore[attr-defined]
        grants=tuple((getattr(grant, key), grant.revoked) for grant in grants),
        versions=(record.version, getattr(row, "version", 0)),  # type: ignore[attr-defined]
    )


class AtItsQueues:
    """A seller as the broker sees it: a queue of payments, a queue of refunds, who hears them."""

    def __init__(
        self, broker: ExternalBroker, subscriptions: Sequence[Subscription], *handlers: Handler
    ) -> None:
        self.wires = tuple(Wire(broker, each) for each in subscriptions)
        self._handlers = handlers
        for wire in self.wires:
            wire.declare()

    def hear(self, *, paid: int = 0, refunded: int = 0) -> None:
        """Runs of both functions, until so many messages are heard; each is acknowledged."""
        for place, count in enumerate((paid, refunded)):
            if count:
                assert self.run(place, self._handlers[place], count) == DrainReport(acked=count)

    def run(self, place: int, handler: Handler, count: int) -> DrainReport:
        noting = Noting(handler)
        return drain(self.wires[place], noting, lambda: len(noting.handled) >= count)

    def left_over(self) -> list[bytes]:
        """What is in any of its queues, dead or alive; takes it out."""
        queues = [(wire, queue.name) for wire in self.wires for queue in wire.subscription.queues()]
        return [body for wire, name in queues for body in wire.bodies(name)]


class Courses(AtItsQueues):
    """The learning centre."""

    def __init__(
        self, broker: ExternalBroker, subscriptions: Sequence[Subscription], settings: Settings
    ) -> None:
        self.store = DynamoLearningStore(Dynamo(settings))
        super().__init__(broker, subscriptions, *self.handlers(settings))

    def handlers(self, settings: Settings) -> tuple[Handler, Handler]:
        """For payments and for refunds; with other settings they may not reach their store."""
        store = DynamoLearningStore(Dynamo(settings))
        return (
            PayResultSubscriber(OrderType.COURSE, Granting(store)),
            RefundResultSubscriber(OrderType.COURSE, Revoking(store)),
        )

    def choose(self, record_id: str, *, user_id: str = STUDENT, course_id: str = "1002") -> None:
        record = a_pending_course(record_id, user_id=user_id, course_id=course_id)
        change = LearningChange(write_id=record_id, choose_course=record, open_pending=True)
        self.store.commit(change)

    def kept(self, record_id: str) -> Kept:
        record = self.store.choose_course(record_id)
        assert record is not None
        row = self.store.course_row(record.user_id, record.course_id)
        return kept(record, row, "choose_course_id")


class Materials(AtItsQueues):
    """The study materials."""

    def __init__(
        self, broker: ExternalBroker, subscriptions: Sequence[Subscription], settings: Settings
    ) -> None:
        self.store = DynamoResourcesStore(Dynamo(settings))
        super().__init__(broker, subscriptions, *self.handlers(settings))

    def handlers(self, settings: Settings) -> tuple[Handler, Handler]:
        """For payments and for refunds; with other settings they may not reach their store."""
        store = DynamoResourcesStore(Dynamo(settings))
        return (
            PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(store)),
            RefundResultSubscriber(OrderType.STUDY_MATERIAL, MaterialRevoking(store)),
        )

    def choose(self, record_id: str, *, user_id: str = STUDENT, material_id: str = "m1") -> None:
        record = a_pending_material(record_id, user_id=user_id, material_id=material_id)
        change = ResourcesChange(write_id=record_id, choose_material=record, open_pending=True)
        self.store.commit(change)

    def kept(self, record_id: str) -> Kept:
        record = self.store.choose_material(record_id)
        assert record is not None
        owned = self.store.owned(record.user_id, record.material_id)
        return kept(record, owned, "choose_material_id")


class Market:
    """Both sellers, what brings messages to them, and more subscribers if a test has any."""

    def __init__(
        self, host: VirtualHost, settings: Settings, more: Sequence[Subscription] = ()
    ) -> None:
        self.broker = ExternalBroker(host.amqp_url, host.management_url)
        ours = platform_topology(DELAYS).subscriptions
        of_courses = [each for each in ours if "resources" not in each.work_queue]
        of_materials = [each for each in ours if "resources" in each.work_queue]
        self.courses = Courses(self.broker, of_courses, settings)
        self.materials = Materials(self.broker, of_materials, settings)
        self.topology = Topology((*ours, *more))
        self._dynamo = Dynamo(settings)
        address, clock = self.courses.wires[0].address, SystemClock()
        self.publisher = RabbitPublisher(address, self.topology, clock)
        outbox = Outbox(self._dynamo)
        self._relay = Relay(outbox, self.publisher, self.topology, clock, RelayLimits())

    def tell(self, *messages: OutboxMessage) -> None:
        """From the outbox to the exchanges, as the stream does; all of them are confirmed."""
        put_by_transactions(self._dynamo, messages)
        now = SystemClock().now()
        records = [an_insert(m, 100 + place, put_at=now) for place, m in enumerate(messages)]
        assert self._relay.publish(records) == {"batchItemFailures": []}

    def leave(self) -> None:
        self.publisher.close()
