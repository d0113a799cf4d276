"""Study material that was ordered: as `ordered_course`, with the other seller at the queues, and
a grant audit that knows both.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.dynamo import Dynamo
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.mq.drain import DrainReport
from chalicelib.orders.model import PayChannel
from chalicelib.orders.ports import Change, GuardTake
from chalicelib.purchasables import OrderType, Purchasables
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.ports import ResourcesChange
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem
from chalicelib.resources.sale import MaterialPurchasables
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.selling.sellers import Sellers
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import Settings
from tests.contract.orders.things import ITEM, ORDER, RECORD
from tests.fakes.clock import START
from tests.integration.mq import ordered_course
from tests.integration.mq.conftest import Wire
from tests.integration.mq.learning_centre import Noting, drain
from tests.integration.mq.ordered_course import CHOSEN, OrderedCourse
from tests.unit.resources.builders import STUDENT, a_material, a_pending_record

MATERIAL = "3002"
TABLES = (*ordered_course.TABLES, MaterialItem, ChooseMaterialItem, OwnedMaterialItem)


class OrderedMaterial(OrderedCourse):
    """Study material that was chosen and ordered; its catalogue entry is there."""

    def __init__(self, wire: Wire, refund_wire: Wire, settings: Settings) -> None:
        self.resources = DynamoResourcesStore(Dynamo(settings))
        self.resources.put_material(a_material(MATERIAL))
        super().__init__(wire, refund_wire, settings)

    def sellers(self) -> Purchasables:
        """Whom the audit asks: both, as `chalicelib.wiring` has them."""
        return Sellers(
            {
                OrderType.COURSE: CoursePurchasables(self.learning),
                OrderType.STUDY_MATERIAL: MaterialPurchasables(self.resources),
            }
        )

    def _choose_and_order(self) -> None:
        record = a_pending_record(CHOSEN, material_id=MATERIAL)
        self.resources.commit(
            ResourcesChange(write_id="w", choose_material=record, open_pending=True)
        )
        kind = OrderType.STUDY_MATERIAL
        attempt = replace(RECORD, channel=PayChannel.ALIPAY, opened_at=START)
        self.store.commit(
            Change(
                write_id="w",
                orders=(replace(ORDER, order_type=kind, created_at=START),),
                items=(replace(ITEM, goods_id=MATERIAL, goods_type=kind, valid_days=None),),
                pay_records=(attempt,),
                take_guard=GuardTake(out_business_id=CHOSEN, order_id=ORDER.order_id),
            )
        )

    def drain(self, *, payments: bool = True) -> DrainReport:
        """Drain until one message has its outcome."""
        kind = OrderType.STUDY_MATERIAL
        noting = Noting(
            PayResultSubscriber(kind, MaterialGranting(self.resources))
            if payments
            else RefundResultSubscriber(kind, MaterialRevoking(self.resources))
        )
        return drain(self.wires[payments], noting, lambda: bool(noting.handled))

    def is_open(self) -> bool:
        owned = self.resources.owned(STUDENT, MATERIAL)
        return owned is not None and owned.opening is not None

    def written(self) -> tuple[int, int]:
        """The versions of record and row: another effect would be another version."""
        record = self.resources.choose_material(CHOSEN)
        owned = self.resources.owned(STUDENT, MATERIAL)
        return record.version if record else 0, owned.version if owned else 0
