"""Every DynamoDB table of the project: what the local stack and the data stack create."""

from __future__ import annotations

from pynamodb.models import Model

from chalicelib.ids.worker_lease import WorkerLeaseItem
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.mq.outbox import OutboxItem
from chalicelib.mq.switches import SwitchItem
from chalicelib.orders.storage.rows import (
    ChannelTradeRow,
    NotifyRow,
    OrderGuardRow,
    OrderItemRow,
    OrderRow,
    PayRecordRow,
    RefundQuotaRow,
    RefundRow,
    UsedOnceRow,
)
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem

MODELS: tuple[type[Model], ...] = (
    CourseItem,
    ChooseCourseItem,
    CourseTableItem,
    MaterialItem,
    ChooseMaterialItem,
    OwnedMaterialItem,
    OrderRow,
    OrderGuardRow,
    OrderItemRow,
    PayRecordRow,
    ChannelTradeRow,
    RefundQuotaRow,
    RefundRow,
    NotifyRow,
    UsedOnceRow,
    OutboxItem,
    SwitchItem,
    WorkerLeaseItem,
)
