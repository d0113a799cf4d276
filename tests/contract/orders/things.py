"""One order with all that belongs to it, as the contract tests store it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.money import Fen
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.model import (
    Order,
    OrderId,
    OrderItem,
    OrderStatus,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Refund,
    RefundKind,
    RefundStatus,
    SurplusReason,
    TradeType,
)
from chalicelib.orders.ports import Change, GuardTake
from chalicelib.purchasables import OrderType

NOW = datetime(2026, 3, 1, 4, 0, 0, 123456, tzinfo=UTC)

ORDER = Order(
    order_id=OrderId("1001"),
    user_id="student-1",
    out_business_id="9001",
    order_type=OrderType.COURSE,
    status=OrderStatus.UNPAID,
    total_fen=Fen(990),
    title="Java 编程思想",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    live_pay_no=PayNo("2001"),
    pay_nos=(PayNo("2001"),),
)
ITEM = OrderItem(
    order_id=OrderId("1001"),
    goods_id="course-1",
    goods_type=OrderType.COURSE,
    title="Java 编程思想",
    price_fen=Fen(990),
    valid_days=365,
)
RECORD = PayRecord(
    pay_no=PayNo("2001"),
    order_id=OrderId("1001"),
    user_id="student-1",
    status=PayStatus.UNPAID,
    amount_fen=Fen(990),
    subject="Java 编程思想",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
)
PAID = replace(
    RECORD,
    status=PayStatus.PAID,
    channel=PayChannel.ALIPAY,
    trade_type=TradeType.ALI_WAP,
    app_id="app",
    merchant_id="seller",
    request="a=1",
    openid="o1",
    client_ip="10.0.0.1",
    opened_at=NOW,
    prepay="wx1",
    prepay_at=NOW,
    channel_trade_no="T1",
    paid_fen=Fen(990),
    paid_at=NOW,
    surplus=SurplusReason.TOO_LATE,
    refund_nos=("2001_too_late",),
    reserved_fen=Fen(20),
    refunded_fen=Fen(10),
    told_back_fen=Fen(15),
    refund_sent_at=NOW,
    still_payable_until=NOW,
    next_check_at=NOW,
    version=1,
)
REFUND = Refund(
    out_refund_no="2001_too_late",
    pay_no=PayNo("2001"),
    order_id=OrderId("1001"),
    kind=RefundKind.AUTOMATIC,
    amount_fen=Fen(960),
    amount_asked_fen=Fen(970),
    reason="too_late",
    revoke=True,
    status=RefundStatus.OWED,
    created_at=NOW,
    requested_by="operator-1",
    approved_by="operator-2",
    generation=2,
    tries=3,
    next_try_at=NOW,
    sent_at=NOW,
    accepted_at=NOW,
    first_accepted_at=NOW,
    refunded_at=NOW,
    last_answer="NOT_ENOUGH",
)
MESSAGE = OutboxMessage(
    event_key="1001#paid", message_id="2001", exchange="x", body="{}", created_at=NOW
)
NEW = Change(
    write_id="w1",
    orders=(ORDER,),
    pay_records=(RECORD,),
    items=(ITEM,),
    take_guard=GuardTake(out_business_id="9001", order_id=OrderId("1001")),
)
