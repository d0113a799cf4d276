"""``alipay.trade.query`` (交易查询): https://docs.open.alipay.com/api_1/alipay.trade.query."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.clock import to_beijing_text
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.platform import Platform
from infra.local.alipay.request import GatewayRequest


class WhichTrade(msgspec.Struct):
    """How a merchant names a trade; ``trade_no`` counts when both are given."""

    trade_no: str = ""
    out_trade_no: str = ""

    def __post_init__(self) -> None:
        if not self.trade_no and not self.out_trade_no:
            raise ValueError("trade_no and out_trade_no cannot both be missing")


def trade_query(platform: Platform, request: GatewayRequest) -> dict[str, Any]:
    """What is known of a trade.

    A payment that went back in full is ``TRADE_CLOSED`` like one that never came; only
    ``send_pay_date`` tells them apart. A partial refund does not show.

    Raises
    ------
    Refusal
        ``ACQ.TRADE_NOT_EXIST``: no payer has logged in for it yet.
    """
    which = request.content(WhichTrade)
    trade = platform.ledger.existing(which.trade_no, which.out_trade_no)
    paid = trade.offer.total_amount if trade.gmt_payment is not None else "0.00"
    answer = {
        "buyer_logon_id": TEST_BUYER.shown_logon_id,
        "buyer_pay_amount": paid,
        "buyer_user_id": TEST_BUYER.user_id,
        "invoice_amount": paid,
        "out_trade_no": trade.offer.out_trade_no,
        "point_amount": "0.00",
        "receipt_amount": paid,
        "total_amount": trade.offer.total_amount,
        "trade_no": trade.trade_no,
        "trade_status": trade.status.value,
    }
    if trade.gmt_payment is not None:
        answer["send_pay_date"] = to_beijing_text(trade.gmt_payment)
    return answer
