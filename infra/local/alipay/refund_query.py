"""``alipay.trade.fastpay.refund.query`` (退款查询): https://opendocs.alipay.com/open/02ekft."""

from __future__ import annotations

from typing import Any

from chalicelib.clock import to_beijing_text
from chalicelib.money import fen_to_yuan_text
from infra.local.alipay.platform import Platform
from infra.local.alipay.request import GatewayRequest
from infra.local.alipay.trade_query import WhichTrade


class _Content(WhichTrade, kw_only=True):
    out_request_no: str
    query_options: tuple[str, ...] = ()


def refund_query(platform: Platform, request: GatewayRequest) -> dict[str, Any]:
    """One refund of a trade; nothing but the code 10000 when there is no such refund.

    A refund that was ordered without a number goes by the trade's ``out_trade_no``.

    Raises
    ------
    Refusal
        ``ACQ.TRADE_NOT_EXIST``: no payer has logged in for the trade.
    """
    content = request.content(_Content)
    trade = platform.ledger.existing(content.trade_no, content.out_trade_no)
    found = (r for r in trade.refunds if r.out_request_no == content.out_request_no)
    refund = next(found, None)
    if refund is None:
        return {}
    answer = {
        "out_request_no": refund.out_request_no,
        "out_trade_no": trade.offer.out_trade_no,
        "refund_amount": fen_to_yuan_text(refund.amount),
        "refund_status": "REFUND_SUCCESS",
        "total_amount": trade.offer.total_amount,
        "trade_no": trade.trade_no,
    }
    if "gmt_refund_pay" in content.query_options:
        answer["gmt_refund_pay"] = to_beijing_text(refund.gmt_refund)
    return answer
