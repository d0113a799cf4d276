"""Which calls of APIv3 a merchant's server may make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.wechat.bill_calls import billdownload, tradebill
from infra.local.wechat.platform import Platform
from infra.local.wechat.prepay import prepay_h5, prepay_jsapi, prepay_native
from infra.local.wechat.refund_calls import query_refund, refund
from infra.local.wechat.request import MerchantRequest
from infra.local.wechat.trade_calls import close, query_by_id, query_by_out_trade_no

Answer = dict[str, Any] | bytes | None
"""JSON, a file, or nothing (204)."""
Call = Callable[[Platform, MerchantRequest], Answer]
"""Answers with its own content; ``api.py`` signs it. Refuses by `Refusal`."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call is, and the name by which a `Fault` knows it."""

    method: str
    rule: str
    name: str
    call: Call


ROUTES = (
    Route("POST", "/v3/pay/transactions/jsapi", "prepay", prepay_jsapi),
    Route("POST", "/v3/pay/transactions/h5", "prepay", prepay_h5),
    Route("POST", "/v3/pay/transactions/native", "prepay", prepay_native),
    Route(
        "GET",
        "/v3/pay/transactions/out-trade-no/<out_trade_no>",
        "query",
        query_by_out_trade_no,
    ),
    Route("GET", "/v3/pay/transactions/id/<transaction_id>", "query", query_by_id),
    Route("POST", "/v3/pay/transactions/out-trade-no/<out_trade_no>/close", "close", close),
    Route("POST", "/v3/refund/domestic/refunds", "refund", refund),
    Route("GET", "/v3/refund/domestic/refunds/<out_refund_no>", "query_refund", query_refund),
    Route("GET", "/v3/bill/tradebill", "tradebill", tradebill),
    Route("GET", "/v3/billdownload/file", "billdownload", billdownload),
)
