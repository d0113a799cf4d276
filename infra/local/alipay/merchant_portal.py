"""What the merchant's staff do by hand at Alipay (商家平台), without our system."""

from __future__ import annotations

import secrets

from chalicelib.clock import BEIJING
from infra.local.alipay.platform import Platform
from infra.local.alipay.refunds import RefundOrder
from infra.local.alipay.trade import Trade
from infra.local.alipay.trade_refund import refund_amount


def refund_in_portal(platform: Platform, out_trade_no: str, amount: str) -> Trade:
    """Give a payer ``amount`` yuan back; the platform makes the number of the refund.

    Raises
    ------
    Refusal
        As `trade_refund`.
    """
    number = f"{platform.clock.now().astimezone(BEIJING):%Y%m%d}{secrets.randbelow(10**20):020d}"
    order = RefundOrder(refund_amount(amount), number)
    return platform.ledger.refund("", out_trade_no, order).trade
