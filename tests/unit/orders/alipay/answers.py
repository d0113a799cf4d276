"""What Alipay answers, and what of it we ask about."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderId,
    PayChannel,
    PayRecord,
    PayStatus,
    Refund,
    RefundKind,
    RefundStatus,
    TradeType,
)
from chalicelib.orders.platform import Payer
from chalicelib.orders.verdict import Paid
from tests.builders import APP_ID, PAY_NO, AlipayPeer, a_pay_record
from tests.fakes.clock import START

PAID_AT = datetime(2026, 3, 1, 4, 1, 4, tzinfo=UTC)
PAID = Paid(channel_trade_no="2026030122001431021421880567", amount_fen=Fen(990), paid_at=PAID_AT)
BACK_AT = datetime(2026, 3, 1, 4, 5, tzinfo=UTC)
ALIPAY = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)
REFUND_NO = "160000000000000001"


def soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds)


def paid_record() -> PayRecord:
    """Our attempt, paid."""
    return a_pay_record(app_id=APP_ID, status=PayStatus.PAID, paid_fen=Fen(990))


def a_refund(**changes: Any) -> Refund:
    """4.50 of the 9.90 yuan go back."""
    refund = Refund(
        out_refund_no=REFUND_NO,
        pay_no=PAY_NO,
        order_id=OrderId("140000000000000001"),
        kind=RefundKind.ON_DEMAND,
        amount_fen=Fen(450),
        amount_asked_fen=Fen(450),
        reason="课程有变",
        revoke=False,
        status=RefundStatus.OWED,
        created_at=START,
    )
    return replace(refund, **changes)


def success(
    peer: AlipayPeer, method: str, fields: dict[str, str], without: tuple[str, ...] = ()
) -> str:
    """A signed success of a method."""
    content = {"code": "10000", "msg": "Success", **fields}
    kept = {name: value for name, value in content.items() if name not in without}
    return peer.answer(kept, method=method)


def refusal(
    peer: AlipayPeer, code: str, sub_code: str, *, method: str = "alipay_trade_query", **more: str
) -> str:
    """A signed refusal; its text names somebody, as a platform's may."""
    content = {"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "买家某某的交易", **more}
    return peer.answer(content, method=method)


def closed(peer: AlipayPeer, without: tuple[str, ...] = (), **changes: str) -> str:
    """The answer to a close."""
    fields = {"out_trade_no": PAY_NO, "trade_no": PAID.channel_trade_no, **changes}
    return success(peer, "alipay_trade_close", fields, without)


def refunded(peer: AlipayPeer, without: tuple[str, ...] = (), **changes: str) -> str:
    """The answer to a refund after which 4.50 yuan are back in all."""
    fields = {
        "buyer_logon_id": "159****5620",
        "fund_change": "Y",
        "gmt_refund_pay": "2026-03-01 12:05:00",
        "out_trade_no": PAY_NO,
        "refund_fee": "4.50",
        "send_back_fee": "0.00",
        "trade_no": PAID.channel_trade_no,
        **changes,
    }
    return success(peer, "alipay_trade_refund", fields, without)


def found(peer: AlipayPeer, without: tuple[str, ...] = (), **changes: str) -> str:
    """The answer to a query of a refund of 4.50 yuan that was made."""
    fields = {
        "out_request_no": REFUND_NO,
        "out_trade_no": PAY_NO,
        "refund_amount": "4.50",
        "refund_status": "REFUND_SUCCESS",
        "total_amount": "9.90",
        "trade_no": PAID.channel_trade_no,
        "gmt_refund_pay": "2026-03-01 12:05:00",
        **changes,
    }
    return success(peer, "alipay_trade_fastpay_refund_query", fields, without)


def nothing_found(peer: AlipayPeer) -> str:
    """The answer to a query of a refund that does not exist."""
    return success(peer, "alipay_trade_fastpay_refund_query", {})


def bill_at(peer: AlipayPeer, url: str) -> str:
    """The answer that names the address of a bill."""
    method = "alipay_data_dataservice_bill_downloadurl_query"
    return success(peer, method, {"bill_download_url": url})


def a_zip() -> bytes:
    """A bill, as far as a channel looks at it."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(zipfile.ZipInfo("bill.csv"), "支付宝交易号".encode("gbk"))
    return raw.getvalue()
