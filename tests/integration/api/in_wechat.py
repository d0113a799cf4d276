"""Purchases through WeChat in front of the real app: opened there, and notified as WeChat does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib import wiring
from chalicelib.clock import to_rfc3339
from chalicelib.deadline import Deadline
from chalicelib.orders.model import PayChannel, PayNo, TradeType
from chalicelib.orders.platform import Payer, Presentation
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.api.client import Answer
from tests.integration.api.shop import Purchase, Shop, new_id
from tests.wechat_peer import a_refund_notice, a_trade

PATH = "/orders/notify/wechat"
JSAPI = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_JSAPI, openid=TEST_PAYER)


def opened(shop: Shop, payer: Payer = JSAPI, **course: Any) -> Purchase:
    """A purchase whose attempt is open at WeChat Pay."""
    purchase = shop.order(**course)
    open_for(purchase, payer)
    return purchase


def open_for(purchase: Purchase, payer: Payer = JSAPI) -> Presentation:
    """What the payer's browser does next."""
    return wiring.cashier().open(PayNo(purchase.pay_no), payer, Deadline.after(20))


def trade_of(
    purchase: Purchase, *, without: tuple[str, ...] = (), **changes: Any
) -> dict[str, Any]:
    """What WeChat tells of the purchase, paid just now."""
    told = {
        "out_trade_no": purchase.pay_no,
        "transaction_id": f"42{new_id()}",
        "success_time": to_rfc3339(wiring.clock().now()),
        "amount": {
            "total": purchase.pay_code["totalPriceFen"],
            "payer_total": purchase.pay_code["totalPriceFen"],
            "currency": "CNY",
            "payer_currency": "CNY",
        },
        **changes,
    }
    return a_trade(without=without, **told)


def refund_of(purchase: Purchase, **changes: Any) -> dict[str, Any]:
    """What WeChat tells of a refund of the purchase."""
    return a_refund_notice(**{"out_trade_no": purchase.pay_no, **changes})


def sealed(
    shop: Shop, resource: Any, *, at: datetime | None = None, **options: Any
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a signed notification."""
    at = at or wiring.clock().now()
    return shop.wechat_peer.notify(resource, at=at, **{"id": f"EV-{new_id()[:16]}", **options})


def send(shop: Shop, headers: Mapping[str, str], body: bytes) -> Answer:
    """To our route, as JSON."""
    return shop.client.send(
        "POST", PATH, content_type="application/json", body=body, headers=dict(headers)
    )


def notify(shop: Shop, resource: Any, **options: Any) -> Answer:
    """A signed notification of ``resource``."""
    return send(shop, *sealed(shop, resource, **options))


def changed(body: bytes, **changes: Any) -> bytes:
    """The body with other fields, its signature left behind."""
    return json.dumps({**json.loads(body), **changes}).encode()
