"""Which methods a merchant's server may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.alipay.bill_download import bill_download_url
from infra.local.alipay.platform import Platform
from infra.local.alipay.refund_query import refund_query
from infra.local.alipay.request import GatewayRequest
from infra.local.alipay.trade_close import trade_close
from infra.local.alipay.trade_query import trade_query
from infra.local.alipay.trade_refund import trade_refund

Method = Callable[[Platform, GatewayRequest], dict[str, Any]]
"""Answers with its own fields; the gateway adds code, msg and signature. Refuses by `Refusal`."""

SERVER_METHODS: Mapping[str, Method] = {
    "alipay.trade.query": trade_query,
    "alipay.trade.close": trade_close,
    "alipay.trade.refund": trade_refund,
    "alipay.trade.fastpay.refund.query": refund_query,
    "alipay.data.dataservice.bill.downloadurl.query": bill_download_url,
}
