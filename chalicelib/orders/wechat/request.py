"""The bodies that we send to WeChat Pay, as the JSON text that travels and is signed.

Prepay orders: https://pay.weixin.qq.com/doc/v3/merchant/4012791856 (JSAPI),
https://pay.weixin.qq.com/doc/v3/merchant/4012791834 (H5),
https://pay.weixin.qq.com/doc/v3/merchant/4012791877 (Native). Refunds:
https://pay.weixin.qq.com/doc/v3/merchant/4012556457. Amounts are in fen.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from chalicelib.clock import to_rfc3339
from chalicelib.orders.model import PayChannel, PayRecord, Refund, TradeType
from chalicelib.orders.platform import Payer

_DESCRIPTION_LIMIT_BYTES = 127
_REASON_LIMIT_BYTES = 80
_NOT_IN_A_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, lone surrogates, and separators of lines and paragraphs."""


def prepay_body(
    record: PayRecord, payer: Payer, *, app_id: str, mch_id: str, notify_url: str
) -> str:
    """The order of an attempt for one payer.

    Raises
    ------
    ValueError
        The payer is not one for WeChat, or lacks what the trade type is bound to.
    """
    order: dict[str, Any] = {
        "appid": app_id,
        "mchid": mch_id,
        "description": description_for(record.subject),
        "out_trade_no": record.pay_no,
        "time_expire": to_rfc3339(record.expires_at),
        "notify_url": notify_url,
        "amount": {"total": record.amount_fen, "currency": "CNY"},
    }
    return _json({**order, **_bound_to(payer)})


def close_body(mch_id: str) -> str:
    """What closing needs beside the number in the path."""
    return _json({"mchid": mch_id})


def refund_body(record: PayRecord, refund: Refund, *, notify_url: str) -> str:
    """A refund; the same for the same rows, as repeating it demands.

    Raises
    ------
    ValueError
        The attempt was never paid.
    """
    if record.paid_fen is None:
        raise ValueError(f"attempt {record.pay_no} was never paid")
    asked: dict[str, Any] = {
        "out_trade_no": record.pay_no,
        "out_refund_no": refund.channel_refund_no,
        "notify_url": notify_url,
        "amount": {"refund": refund.amount_fen, "total": record.paid_fen, "currency": "CNY"},
    }
    reason = _fitting(refund.reason, _REASON_LIMIT_BYTES)
    return _json({**asked, "reason": reason} if reason else asked)


def description_for(title: str) -> str:
    """``title`` as a ``description``: at most 127 bytes of UTF-8, whole characters."""
    return _fitting(title, _DESCRIPTION_LIMIT_BYTES) or "订单"


def _bound_to(payer: Payer) -> Mapping[str, Any]:
    if payer.channel is not PayChannel.WECHAT:
        raise ValueError(f"a payer of channel {payer.channel}")
    match payer.trade_type:
        case TradeType.WX_JSAPI:
            if not payer.openid:
                raise ValueError("a JSAPI payer without openid")
            return {"payer": {"openid": payer.openid}}
        case TradeType.WX_H5:
            if not payer.client_ip:
                raise ValueError("an H5 payer without an IP address")
            return {"scene_info": {"payer_client_ip": payer.client_ip, "h5_info": {"type": "Wap"}}}
        case TradeType.WX_NATIVE:
            return {}
        case _:
            raise ValueError(f"a payer by {payer.trade_type}")


def _fitting(text: str, most_bytes: int) -> str:
    """``text`` without control characters, its white space folded, cut between characters."""
    spaced = "".join(
        " " if unicodedata.category(character) in _NOT_IN_A_TEXT else character
        for character in text
    )
    folded = " ".join(spaced.split())
    return folded.encode()[:most_bytes].decode(errors="ignore").rstrip()


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
