"""Prepay orders (下单): what WeChat Pay gives for one, and how long that lives.

https://pay.weixin.qq.com/doc/v3/merchant/4012791856 (JSAPI),
https://pay.weixin.qq.com/doc/v3/merchant/4012791834 (H5),
https://pay.weixin.qq.com/doc/v3/merchant/4012791877 (Native).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.model import PayRecord, TradeType
from chalicelib.orders.wechat.gateway import Refusal, WeChatGateway


@dataclass(frozen=True, slots=True)
class _Product:
    """``gives`` is what the answer calls it; it is used for ``fresh_for`` only.

    That is less than its life: the payer needs the rest.
    """

    path: str
    gives: str
    fresh_for: timedelta


_PRODUCTS = {
    TradeType.WX_JSAPI: _Product(
        "/v3/pay/transactions/jsapi", "prepay_id", timedelta(hours=1, minutes=50)
    ),
    TradeType.WX_H5: _Product(
        "/v3/pay/transactions/h5", "h5_url", timedelta(minutes=4, seconds=30)
    ),
    TradeType.WX_NATIVE: _Product(
        "/v3/pay/transactions/native", "code_url", timedelta(hours=1, minutes=50)
    ),
}


def start(gateway: WeChatGateway, record: PayRecord, deadline: Deadline) -> str:
    """As ``WeChatChannel.start``."""
    product = _product_of(record)
    if record.request is None:
        raise ValueError(f"attempt {record.pay_no} was never frozen")
    answer = gateway.post(product.path, record.request, deadline)
    if isinstance(answer, Refusal):
        raise answer.as_error()
    given = answer.content.get(product.gives)
    if not isinstance(given, str) or not given:
        raise ChannelUnavailable(detail=f"the answer has no {product.gives}")
    if product.gives == "h5_url" and not gateway.is_here(given):
        raise ChannelUnavailable(detail="h5_url is no address of WeChat")
    return given


def is_fresh(record: PayRecord, now: datetime) -> bool:
    """Whether what `start` gave still lives, and long enough for a payer to use it."""
    if record.prepay is None or record.prepay_at is None:
        return False
    return now - record.prepay_at < _product_of(record).fresh_for


def _product_of(record: PayRecord) -> _Product:
    product = _PRODUCTS.get(record.trade_type) if record.trade_type else None
    if product is None:
        raise ValueError(f"attempt {record.pay_no} is not one of WeChat")
    return product
