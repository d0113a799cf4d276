"""查询订单, 关闭订单: https://pay.weixin.qq.com/doc/v3/merchant/4013070356 and 4012556398."""

from __future__ import annotations

from typing import Any

import msgspec

from infra.local.wechat.news import transaction
from infra.local.wechat.platform import Platform
from infra.local.wechat.refusal import order_unknown, other_merchant
from infra.local.wechat.request import MerchantRequest


class _CloseRequest(msgspec.Struct, forbid_unknown_fields=True):
    mchid: str


def query_by_out_trade_no(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """What is known of a trade, paid or not.

    Raises
    ------
    Refusal
        404 ``ORDER_NOT_EXIST``: no prepay request has come for the number.
    """
    request.check_merchant(platform.merchant)
    trade = platform.ledger.find(request.path["out_trade_no"])
    if trade is None:
        raise order_unknown()
    return transaction(trade, platform.merchant)


def query_by_id(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """What is known of a paid trade: an unpaid one has no number of the platform.

    Raises
    ------
    Refusal
        404 ``ORDER_NOT_EXIST``
    """
    request.check_merchant(platform.merchant)
    trade = platform.ledger.find_paid(request.path["transaction_id"])
    if trade is None:
        raise order_unknown()
    return transaction(trade, platform.merchant)


def close(platform: Platform, request: MerchantRequest) -> None:
    """Close an unpaid trade; its number is used up.

    Raises
    ------
    Refusal
        404 ``ORDER_NOT_EXIST``. ``ORDERPAID``. ``ORDER_CLOSED``: it is closed already.
    """
    if request.content(_CloseRequest).mchid != platform.merchant.mch_id:
        raise other_merchant()
    platform.ledger.close(request.path["out_trade_no"])
