"""What answers and notifications say of a trade and of a refund.

https://pay.weixin.qq.com/doc/v3/merchant/4012791861 (支付成功回调通知),
https://pay.weixin.qq.com/doc/v3/merchant/4012791865 (退款结果回调通知).
"""

from __future__ import annotations

from typing import Any

from chalicelib.clock import to_rfc3339
from infra.local.wechat.ledger import PAID, Trade, TradeState
from infra.local.wechat.merchant import Merchant
from infra.local.wechat.refunds import Refund

ACCOUNT = "支付用户零钱"
_BANK_TYPE = "OTHERS"
_STATES = {
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "转入退款",
    TradeState.NOTPAY: "订单未支付",
    TradeState.CLOSED: "订单已关闭",
    TradeState.USERPAYING: "用户支付中",
    TradeState.PAYERROR: "支付失败",
}


def transaction(trade: Trade, merchant: Merchant) -> dict[str, Any]:
    """A trade: what the query answers and what TRANSACTION.SUCCESS carries. Amounts are in fen."""
    order = trade.order
    said: dict[str, Any] = {
        "appid": merchant.app_id,
        "mchid": merchant.mch_id,
        "out_trade_no": order.out_trade_no,
        "trade_state": trade.state.value,
        "trade_state_desc": _STATES[trade.state],
        "promotion_detail": [],
        "amount": {"total": order.total, "currency": "CNY", "payer_currency": "CNY"},
    }
    if trade.state not in PAID or trade.paid_at is None:
        return said
    said["amount"]["payer_total"] = order.total
    return said | {
        "transaction_id": trade.transaction_id,
        "trade_type": order.trade_type.value,
        "bank_type": _BANK_TYPE,
        "attach": order.attach or "",
        "success_time": to_rfc3339(trade.paid_at),
        "payer": {"openid": trade.payer_openid},
    }


def refund_answer(refund: Refund) -> dict[str, Any]:
    """A refund as both calls answer it. Amounts are in fen."""
    amount = refund.request.refund
    said: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.request.out_refund_no,
        "transaction_id": refund.trade.transaction_id,
        "out_trade_no": refund.trade.order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": ACCOUNT,
        "create_time": to_rfc3339(refund.created_at),
        "status": refund.status.value,
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
        "amount": {
            "total": refund.trade.order.total,
            "refund": amount,
            "payer_total": refund.trade.order.total,
            "payer_refund": amount,
            "settlement_refund": amount,
            "settlement_total": refund.trade.order.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund.success_time is not None:
        said["success_time"] = to_rfc3339(refund.success_time)
    return said


def refund_news(refund: Refund, merchant: Merchant) -> dict[str, Any]:
    """What REFUND.… carries: no ``appid``, and ``success_time`` only after success."""
    said: dict[str, Any] = {
        "mchid": merchant.mch_id,
        "transaction_id": refund.trade.transaction_id,
        "out_trade_no": refund.trade.order.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.request.out_refund_no,
        "refund_status": refund.status.value,
        "user_received_account": ACCOUNT,
        "amount": {
            "total": refund.trade.order.total,
            "refund": refund.request.refund,
            "payer_total": refund.trade.order.total,
            "payer_refund": refund.request.refund,
        },
    }
    if refund.success_time is not None:
        said["success_time"] = to_rfc3339(refund.success_time)
    return said
