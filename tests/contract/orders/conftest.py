"""The order store under test: the fake of the unit tests, and DynamoDB."""

from __future__ import annotations

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.mq.outbox import OutboxItem
from chalicelib.orders.ports import OrderStore
from chalicelib.orders.storage import rows
from chalicelib.orders.storage.store import DynamoOrderStore
from tests.fakes.orders import FakeOrderStore


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> OrderStore:
    if request.param == "fake":
        return FakeOrderStore()
    settings = request.getfixturevalue("local_settings")
    request.getfixturevalue("create_tables")(
        rows.OrderRow,
        rows.OrderGuardRow,
        rows.OrderItemRow,
        rows.PayRecordRow,
        rows.ChannelTradeRow,
        rows.RefundRow,
        rows.RefundQuotaRow,
        rows.NotifyRow,
        rows.UsedOnceRow,
        OutboxItem,
    )
    return DynamoOrderStore(Dynamo(settings), rejected_ttl_days=30)
