"""``alipay.trade.refund`` (交易退款): https://opendocs.alipay.com/open/02ekfs."""

from __future__ import annotations

from typing import Any

from chalicelib.clock import to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text, yuan_text_to_fen
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.platform import Platform
from infra.local.alipay.refunds import RefundOrder
from infra.local.alipay.refusal import invalid_parameter
from infra.local.alipay.request import GatewayRequest
from infra.local.alipay.trade_query import WhichTrade

_MAX_CHARACTERS = 64


class _Content(WhichTrade, kw_only=True):
    refund_amount: str | int | float
    out_request_no: str = ""


def trade_refund(platform: Platform, request: GatewayRequest) -> dict[str, Any]:
    """Give a payer money back. ``refund_fee`` is what went back in all.

    The same ``out_request_no`` and amount again answer ``fund_change`` N: nothing moved this time.

    Raises
    ------
    Refusal
        ``ACQ.TRADE_NOT_EXIST``, ``ACQ.INVALID_PARAMETER``, or as `infra.local.alipay.refunds`.
    """
    content = request.content(_Content)
    if len(content.out_request_no) > _MAX_CHARACTERS:
        raise invalid_parameter("out_request_no", f"不超过 {_MAX_CHARACTERS} 个字符")
    order = RefundOrder(refund_amount(str(content.refund_amount)), content.out_request_no)
    done = platform.ledger.refund(content.trade_no, content.out_trade_no, order)
    return {
        "buyer_logon_id": TEST_BUYER.shown_logon_id,
        "buyer_user_id": TEST_BUYER.user_id,
        "fund_change": "Y" if done.moved else "N",
        "gmt_refund_pay": to_beijing_text(done.refund.gmt_refund),
        "out_trade_no": done.trade.offer.out_trade_no,
        "refund_fee": fen_to_yuan_text(done.trade.refund_fee),
        # told only when query_options asks for refund_detail_item_list, which is not simulated
        "send_back_fee": "0.00",
        "trade_no": done.trade.trade_no,
    }


def refund_amount(text: str) -> Fen:
    """An amount to give back, in fen.

    Raises
    ------
    Refusal
        ``ACQ.INVALID_PARAMETER``: not an amount in yuan, or nothing.
    """
    try:
        amount = yuan_text_to_fen(text)
    except ValueError as error:
        raise invalid_parameter("refund_amount", "单位为元，最多两位小数") from error
    if amount == 0:
        raise invalid_parameter("refund_amount", "必须大于 0")
    return amount
