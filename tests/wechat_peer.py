"""WeChat Pay, as a stranger to our SDK: ``cryptography``, and keys made at run time."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.money import Fen
from chalicelib.orders.model import (
    OrderId,
    PayChannel,
    PayRecord,
    Refund,
    RefundKind,
    RefundStatus,
    TradeType,
)
from tests.builders import PAY_NO, a_pay_record, private_pem, public_pem
from tests.fakes.clock import START, FakeClock

if TYPE_CHECKING:
    from chalicelib.orders.wechat.channel import WeChatChannel

APP_ID = "wx0000000000000001"
MCH_ID = "1900000001"
CERT_SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026030100000000000001"
API_V3_KEY = "0123456789abcdefghijABCDEFGHIJ!?"
TRANSACTION_ID = "4200002026030100000000000001"
OUT_REFUND_NO = "150000000000000001s"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
SCHEME = "WECHATPAY2-SHA256-RSA2048"
NOTIFY_URL = "https://pay.example/orders/notify/wechat"


class WeChatPeer:
    """Signs as WeChat Pay, and knows the merchant's signature."""

    def __init__(self) -> None:
        self.platform_key = generate_private_key(public_exponent=65537, key_size=2048)
        # half of the usual size: every channel checks it, which takes seven times as long at 2048
        self.merchant_key = generate_private_key(public_exponent=65537, key_size=1024)

    def sign(self, *lines: str | bytes) -> str:
        """The platform's signature of ``lines``, each ended by a newline."""
        content = b"".join((x.encode() if isinstance(x, str) else x) + b"\n" for x in lines)
        return base64.b64encode(self.platform_key.sign(content, PKCS1v15(), SHA256())).decode()

    def check_merchant_signed(self, signature: str, *lines: str) -> None:
        """Fails unless ``signature`` is the merchant's, of ``lines``."""
        content = "".join(f"{line}\n" for line in lines).encode()
        self.merchant_key.public_key().verify(
            base64.b64decode(signature), content, PKCS1v15(), SHA256()
        )

    def headers(self, body: bytes, *, at: datetime = START) -> dict[str, str]:
        """The signed headers of an answer or a notification with this body."""
        timestamp, nonce = str(int(at.timestamp())), "593BEC0C930BF1AFEB40B4A08C8FB242"
        return {
            "Wechatpay-Serial": PUBLIC_KEY_ID,
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": self.sign(timestamp, nonce, body),
            "Wechatpay-Signature-Type": SCHEME,
        }

    def notify(
        self,
        resource: Any = None,
        /,
        *,
        event_type: str = "TRANSACTION.SUCCESS",
        api_v3_key: str = API_V3_KEY,
        associated_data: str | None = None,
        at: datetime = START,
        **envelope: Any,
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notification; ``envelope`` changes it before it is signed."""
        nonce, kind = "fdasflkja484", event_type.partition(".")[0].lower()
        plain = json.dumps(a_trade() if resource is None else resource).encode()
        beside = kind if associated_data is None else associated_data
        sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plain, beside.encode())
        body = json.dumps(
            {
                "id": "EV-2018022511223320873",
                "create_time": "2026-03-01T12:00:00+08:00",
                "resource_type": "encrypt-resource",
                "event_type": event_type,
                "summary": "支付成功",
                "resource": {
                    "original_type": kind,
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(sealed).decode(),
                    "associated_data": beside,
                    "nonce": nonce,
                },
                **envelope,
            }
        ).encode()
        return self.headers(body, at=at), body


@cache
def wechat_peer() -> WeChatPeer:
    """One peer for the whole run: making RSA keys is slow."""
    return WeChatPeer()


def a_wechat_channel(**changes: Any) -> WeChatChannel:
    """The channel of the merchant that `wechat_peer` knows; no gateway answers it."""
    from chalicelib.orders.wechat.channel import WeChatChannel  # loads the SDK: only for who asks

    peer = wechat_peer()
    arguments: dict[str, Any] = {
        "app_id": APP_ID,
        "mch_id": MCH_ID,
        "merchant_private_key": private_pem(peer.merchant_key),
        "cert_serial": CERT_SERIAL,
        "public_key": public_pem(peer.platform_key),
        "public_key_id": PUBLIC_KEY_ID,
        "api_v3_key": API_V3_KEY,
        "gateway_url": "https://api.mch.example",
        "notify_url": NOTIFY_URL,
        "clock": FakeClock(),
        **changes,
    }
    return WeChatChannel(**arguments)


def a_wechat_record(**changes: Any) -> PayRecord:
    """A frozen JSAPI attempt; ``changes`` make it another one."""
    frozen: dict[str, Any] = {
        "channel": PayChannel.WECHAT,
        "trade_type": TradeType.WX_JSAPI,
        "openid": OPENID,
        "app_id": APP_ID,
        "merchant_id": MCH_ID,
        "request": '{"description":"课程","out_trade_no":"150000000000000001"}',
        "opened_at": START,
        **changes,
    }
    return a_pay_record(**frozen)


def a_paid_record(**changes: Any) -> PayRecord:
    """As `a_wechat_record`, paid in full."""
    paid = {"paid_fen": Fen(990), "paid_at": START, "channel_trade_no": TRANSACTION_ID}
    return a_wechat_record(**{**paid, **changes})


def a_wechat_refund(**changes: Any) -> Refund:
    """Two yuan of it, on their way back."""
    refund: dict[str, Any] = {
        "out_refund_no": OUT_REFUND_NO,
        "pay_no": PAY_NO,
        "order_id": OrderId("140000000000000001"),
        "kind": RefundKind.ON_DEMAND,
        "amount_fen": Fen(200),
        "amount_asked_fen": Fen(200),
        "reason": "课程取消",
        "revoke": False,
        "status": RefundStatus.SENT,
        "created_at": START,
        **changes,
    }
    return Refund(**refund)


def a_trade(*, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """What WeChat tells of a paid trade, in a query and in a notification."""
    trade = {
        "appid": APP_ID,
        "mchid": MCH_ID,
        "out_trade_no": PAY_NO,
        "transaction_id": TRANSACTION_ID,
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "CMC",
        "attach": "",
        "success_time": "2026-03-01T12:01:04+08:00",
        "payer": {"openid": OPENID},
        "amount": {"total": 990, "payer_total": 900, "currency": "CNY", "payer_currency": "CNY"},
        **changes,
    }
    return {name: trade[name] for name in trade if name not in without}


def a_refund_answer(*, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """What WeChat answers about `a_wechat_refund`."""
    answer = {
        "refund_id": "50000000382019052709732678859",
        "out_refund_no": OUT_REFUND_NO,
        "transaction_id": TRANSACTION_ID,
        "out_trade_no": PAY_NO,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "success_time": "2026-03-01T12:02:00+08:00",
        "create_time": "2026-03-01T12:01:50+08:00",
        "status": "SUCCESS",
        "amount": {"total": 990, "refund": 200, "payer_refund": 180, "currency": "CNY"},
        **changes,
    }
    return {name: answer[name] for name in answer if name not in without}


def a_refund_notice(*, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """The resource of a REFUND notification: no ``appid``, no currency."""
    notice = {
        "mchid": MCH_ID,
        "transaction_id": TRANSACTION_ID,
        "out_trade_no": PAY_NO,
        "refund_id": "50000000382019052709732678859",
        "out_refund_no": OUT_REFUND_NO,
        "refund_status": "SUCCESS",
        "success_time": "2026-03-01T12:02:00+08:00",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 990, "refund": 200, "payer_total": 900, "payer_refund": 180},
        **changes,
    }
    return {name: notice[name] for name in notice if name not in without}
