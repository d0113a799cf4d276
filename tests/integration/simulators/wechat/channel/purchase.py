"""One attempt of ours at the simulated WeChat, through our own channel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderId,
    PayChannel,
    PayNo,
    PayRecord,
    PayStatus,
    Refund,
    RefundKind,
    RefundStatus,
    TradeType,
)
from chalicelib.orders.platform import Notify, Payer, Presentation
from chalicelib.orders.verdict import Paid, Verdict
from chalicelib.orders.wechat.channel import WeChatChannel
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import WechatMerchant, WechatSite

PAY_NO = PayNo("150000000000000001")
PRICE = Fen(990)
TRADE_TYPES = (TradeType.WX_JSAPI, TradeType.WX_H5, TradeType.WX_NATIVE)


@dataclass
class Purchase:
    """An attempt, its payer, and both sides of it."""

    channel: WeChatChannel
    school: WechatMerchant
    site: WechatSite
    clock: ShiftedClock
    record: PayRecord = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock.now()
        self.record = PayRecord(
            pay_no=PAY_NO,
            order_id=OrderId("140000000000000001"),
            user_id="52",
            status=PayStatus.UNPAID,
            amount_fen=PRICE,
            subject="Java 编程思想",
            created_at=now,
            expires_at=now + timedelta(minutes=30),
        )

    def freeze(self, trade_type: TradeType = TradeType.WX_JSAPI) -> None:
        payer = Payer(
            channel=PayChannel.WECHAT,
            trade_type=trade_type,
            openid=TEST_PAYER if trade_type is TradeType.WX_JSAPI else None,
            client_ip="127.0.0.1" if trade_type is TradeType.WX_H5 else None,
        )
        opening = self.channel.freeze(self.record, payer, self.clock.now())
        self.record = replace(
            self.record,
            channel=payer.channel,
            trade_type=payer.trade_type,
            openid=payer.openid,
            client_ip=payer.client_ip,
            app_id=opening.app_id,
            merchant_id=opening.merchant_id,
            request=opening.request,
        )

    def start(self) -> None:
        prepay = self.channel.start(self.record, soon())
        self.record = replace(self.record, prepay=prepay, prepay_at=self.clock.now())

    def open(self, trade_type: TradeType = TradeType.WX_JSAPI) -> Presentation:
        """Freeze, start and show it."""
        self.freeze(trade_type)
        self.start()
        return self.channel.present(self.record, self.clock.now())

    def pay(self, trade_type: TradeType = TradeType.WX_JSAPI) -> Paid:
        """Open it, let the payer pay, and learn of it."""
        self.open(trade_type)
        self.school.control(f"/trades/{PAY_NO}/pay")
        return self.learn()

    def learn(self) -> Paid:
        """Store the payment that the query tells."""
        paid = self.query()
        assert isinstance(paid, Paid)
        self.record = replace(
            self.record,
            status=PayStatus.PAID,
            paid_fen=paid.amount_fen,
            paid_at=paid.paid_at,
            channel_trade_no=paid.channel_trade_no,
        )
        return paid

    def query(self) -> Verdict:
        return self.channel.query(self.record, soon())

    def heard(self) -> Notify:
        """The next notification, through our channel."""
        notify = self.site.next_notify()
        return self.channel.parse_notify(notify.headers, notify.body)

    def refund(self, amount: int = 450, number: str = "r1", **changes: Any) -> Refund:
        """A refund row of this attempt."""
        refund: dict[str, Any] = {
            "out_refund_no": f"{PAY_NO}{number}",
            "pay_no": PAY_NO,
            "order_id": self.record.order_id,
            "kind": RefundKind.ON_DEMAND,
            "amount_fen": Fen(amount),
            "amount_asked_fen": Fen(amount),
            "reason": "课程取消",
            "revoke": False,
            "status": RefundStatus.SENT,
            "created_at": self.clock.now(),
            **changes,
        }
        return Refund(**refund)


def soon() -> Deadline:
    return Deadline.after(15)
