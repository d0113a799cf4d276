"""``alipay.trade.close`` (交易关闭): https://docs.open.alipay.com/api_1/alipay.trade.close."""

from __future__ import annotations

from typing import Any

from infra.local.alipay.platform import Platform
from infra.local.alipay.request import GatewayRequest
from infra.local.alipay.trade_query import WhichTrade


def trade_close(platform: Platform, request: GatewayRequest) -> dict[str, Any]:
    """Close an unpaid trade.

    Raises
    ------
    Refusal
        ``ACQ.TRADE_NOT_EXIST``: no payer has logged in yet, and one still may.
        ``ACQ.TRADE_STATUS_ERROR``: it is paid or closed already.
    """
    which = request.content(WhichTrade)
    trade = platform.ledger.close(which.trade_no, which.out_trade_no)
    return {"trade_no": trade.trade_no, "out_trade_no": trade.offer.out_trade_no}
