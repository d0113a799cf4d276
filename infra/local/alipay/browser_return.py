"""Where the payer's browser goes after payment (同步返回).

The signed query of ``return_url`` has no ``trade_status``: it shows that the payer came back, and
proves no payment. https://opendocs.alipay.com/support/01raw3
"""

from __future__ import annotations

from urllib.parse import urlencode

from chalicelib.clock import to_beijing_text
from infra.local.alipay.platform import Platform
from infra.local.alipay.signature import sign, text_of_notify
from infra.local.alipay.trade import Trade


def return_location(platform: Platform, trade: Trade) -> str:
    """``return_url`` of a paid trade with its signed query; empty when it has none."""
    url = trade.offer.return_url
    if not url:
        return ""
    fields = {
        "charset": "utf-8",
        "out_trade_no": trade.offer.out_trade_no,
        "method": "alipay.trade.wap.pay.return",
        "total_amount": trade.offer.total_amount,
        "trade_no": trade.trade_no,
        "auth_app_id": platform.merchant.app_id,
        "version": "1.0",
        "app_id": platform.merchant.app_id,
        "sign_type": "RSA2",
        "seller_id": platform.merchant.seller_id,
        "timestamp": to_beijing_text(platform.clock.now()),
    }
    fields["sign"] = sign(text_of_notify(fields), platform.keys.platform)
    return f"{url}?{urlencode(fields)}"
