"""One attempt of our channel at the simulated Alipay, its payer and their browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.alipay.channel import AlipayChannel
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
from chalicelib.orders.platform import Payer
from chalicelib.orders.verdict import Paid, Verdict
from tests.integration.simulators.merchant import Merchant, ShiftedClock

PAY_NO = PayNo("150000000000000001")
PRICE = Fen(990)


class Purchase:
    """One attempt, its payer and their browser."""

    def __init__(self, channel: AlipayChannel, merchant: Merchant, clock: ShiftedClock) -> None:
        self.channel = channel
        self._merchant = merchant
        now = clock.now()
        attempt = PayRecord(
            pay_no=PAY_NO,
            order_id=OrderId("140000000000000001"),
            user_id="52",
            status=PayStatus.UNPAID,
            amount_fen=PRICE,
            subject="C/C++ 入门 {第1季} & 提高}",
            created_at=now,
            expires_at=now + timedelta(minutes=30),
            channel=PayChannel.ALIPAY,
            trade_type=TradeType.ALI_WAP,
        )
        payer = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)
        opening = channel.freeze(attempt, payer, now)
        self.record = replace(
            attempt,
            app_id=opening.app_id,
            merchant_id=opening.merchant_id,
            request=opening.request,
        )

    def open(self) -> None:
        form = self.channel.present(self.record, self.record.created_at)
        page = self._merchant.http.post(
            form.action, data=dict(form.fields), follow_redirects=True
        ).raise_for_status()
        assert "logon_id" in page.text

    def log_in(self) -> None:
        self.open()
        self._merchant.control_trade("login", PAY_NO)

    def pay(self) -> dict[str, Any]:
        self.log_in()
        return self._merchant.control_trade("pay", PAY_NO)

    def query(self) -> Verdict:
        return self.channel.query(self.record, soon())

    def back(self) -> Fen:
        verdict = self.query()
        assert isinstance(verdict, Paid)
        return verdict.back_fen


def soon() -> Deadline:
    return Deadline.after(10)


def a_refund(number: str = "160000000000000001", fen: int = 450) -> Refund:
    return Refund(
        out_refund_no=number,
        pay_no=PAY_NO,
        order_id=OrderId("140000000000000001"),
        kind=RefundKind.ON_DEMAND,
        amount_fen=Fen(fen),
        amount_asked_fen=Fen(fen),
        reason="课程有变 & 退款",
        revoke=False,
        status=RefundStatus.OWED,
        created_at=datetime.now(UTC),
    )
