"""Fetches the trade bill of a Beijing day (https://pay.weixin.qq.com/doc/v3/merchant/4012791867)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.wechat.gateway import Refusal, WeChatGateway

_LIMIT_BYTES = 32 * 1024 * 1024
_DOWNLOAD_SECONDS = 60.0


def download_bill(gateway: WeChatGateway, day: date, deadline: Deadline) -> bytes:
    """The bill of all payments and refunds (type ALL), uncompressed, as it comes.

    The file itself is not signed; the signed answer that names it tells its SHA-1.

    Raises
    ------
    ChannelRefused
        There is no bill: nothing happened that day, or it is made only from 10:00 of the next.
    ChannelUnavailable
        There is no bill that can be trusted.
    """
    answer = gateway.get(f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL", deadline)
    if isinstance(answer, Refusal):
        raise answer.as_error()
    url, told_hash = answer.content.get("download_url"), answer.content.get("hash_value")
    if not isinstance(url, str) or not isinstance(told_hash, str):
        raise ChannelUnavailable(detail="the bill has no address or no hash")
    if answer.content.get("hash_type") != "SHA1":
        raise ChannelUnavailable(detail="the bill's hash is not SHA1")
    limit = Deadline.after(deadline.cut(_DOWNLOAD_SECONDS))
    bill = gateway.download(url, _LIMIT_BYTES, limit)
    own_hash = hashlib.sha1(bill, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(own_hash.encode(), told_hash.lower().encode()):
        raise ChannelUnavailable(detail="the bill does not match its hash")
    return bill
