"""WeChat Pay (微信支付, APIv3) as a payment channel: JSAPI, H5 and Native of one merchant.

``gateway`` says whether an answer can be trusted; here it becomes the words of ``verdict``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import quote

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.model import PayRecord, Refund, TradeType
from chalicelib.orders.platform import (
    Bridge,
    CodeUrl,
    Notify,
    Opening,
    Payer,
    Presentation,
    Redirect,
)
from chalicelib.orders.verdict import (
    CloseAnswer,
    ClosedThere,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    RefundUnknown,
    RefundVerdict,
    Unknown,
    Verdict,
)
from chalicelib.orders.wechat import bill as wechat_bill
from chalicelib.orders.wechat import prepay as wechat_prepay
from chalicelib.orders.wechat.gateway import Refusal, WeChatGateway
from chalicelib.orders.wechat.notify import WeChatNotifies
from chalicelib.orders.wechat.refund import (
    verdict_of_answer,
    verdict_of_refusal,
    verdict_of_refused_query,
)
from chalicelib.orders.wechat.request import close_body, prepay_body, refund_body
from chalicelib.orders.wechat.sdk import WeChatSdk
from chalicelib.orders.wechat.trade import UnreadableTrade, names_another, verdict_of

_REFUNDS = "/v3/refund/domestic/refunds"
_NO_SUCH_ORDER = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
_NOT_TO_BE_CLOSED = frozenset(
    {
        *("ORDERPAID", "ORDER_PAID"),
        *("ORDER_CLOSED", "ORDERCLOSED"),
        *("TRADE_ERROR", "TRADE_STATE_ERROR"),
        *("USERPAYING", "INVALID_REQUEST"),
    }
)


class WeChatChannel:
    """WeChat Pay as a `chalicelib.orders.platform.PaymentChannel`; several threads may use it."""

    def __init__(
        self,
        *,
        app_id: str,
        mch_id: str,
        merchant_private_key: str,
        cert_serial: str,
        public_key: str,
        public_key_id: str,
        api_v3_key: str,
        gateway_url: str,
        notify_url: str,
        clock: Clock,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Load the keys; no network.

        Parameters
        ----------
        merchant_private_key, cert_serial
            The key of the merchant's API certificate, RSA in PKCS#8 PEM, and that certificate's
            serial number.
        public_key, public_key_id
            WeChat Pay's public key (微信支付公钥) in PEM, and its name, ``PUB_KEY_ID_…``.
        api_v3_key
            32 bytes of text.
        notify_url
            HTTPS, without a query; gets payments and refunds.
        timeout_seconds
            The longest wait for one answer, connecting included.

        Raises
        ------
        SettingsError
            A key is not what it should be; the message does not show it.
        """
        self._app_id = app_id
        self._mch_id = mch_id
        self._notify_url = notify_url
        self._clock = clock
        self._sdk = WeChatSdk(
            mch_id=mch_id,
            cert_serial=cert_serial,
            merchant_private_key=merchant_private_key,
            public_key=public_key,
            public_key_id=public_key_id,
            api_v3_key=api_v3_key,
        )
        self._gateway = WeChatGateway(
            self._sdk,
            url=gateway_url,
            public_key_id=public_key_id,
            clock=clock,
            timeout_seconds=timeout_seconds,
        )
        self._notifies = WeChatNotifies(self._sdk, app_id=app_id, mch_id=mch_id, clock=clock)

    def freeze(self, record: PayRecord, payer: Payer, now: datetime) -> Opening:  # noqa: ARG002
        """The prepay order of an attempt, as the JSON text that `start` sends.

        Raises
        ------
        ValueError
            The payer is not one for WeChat, or lacks the openid (JSAPI) or IP address (H5).
        """
        request = prepay_body(
            record, payer, app_id=self._app_id, mch_id=self._mch_id, notify_url=self._notify_url
        )
        return Opening(app_id=self._app_id, merchant_id=self._mch_id, request=request)

    def start(self, record: PayRecord, deadline: Deadline) -> str:
        """Order; a ``prepay_id`` (JSAPI), an ``h5_url`` or a ``code_url`` (Native).

        Idempotent: WeChat takes the same order for a number again, and no other one.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted; the trade may exist.
        ChannelRefused
            A clear no; ``detail`` has its code: ``ORDERPAID``, ``OUT_TRADE_NO_USED`` …
        """
        self._refuse_unless_ours(record)
        return wechat_prepay.start(self._gateway, record, deadline)

    def is_fresh(self, record: PayRecord, now: datetime) -> bool:
        """Whether what `start` gave still lives, and long enough for a payer to use it."""
        return wechat_prepay.is_fresh(record, now)

    def present(self, record: PayRecord, now: datetime) -> Presentation:
        """The signed bridge call (JSAPI), the address (H5), or the code (Native)."""
        if record.prepay is None:
            raise ValueError(f"attempt {record.pay_no} was never started")
        match record.trade_type:
            case TradeType.WX_H5:
                return Redirect(record.prepay)
            case TradeType.WX_NATIVE:
                return CodeUrl(record.prepay)
            case TradeType.WX_JSAPI:
                return Bridge(self._sdk.bridge_parameters(self._app_id, record.prepay, now))
            case _:
                raise ValueError(f"attempt {record.pay_no} is not one of WeChat")

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Ask by ``out_trade_no`` (https://pay.weixin.qq.com/doc/v3/merchant/4013070356).

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted, or it is about another trade.
        ChannelRefused
            A clear no.
        """
        self._refuse_unless_ours(record)
        target = f"{_path_of(record)}?mchid={quote(self._mch_id, safe='')}"
        answer = self._gateway.get(target, deadline)
        if isinstance(answer, Refusal):
            if answer.status == 404 and answer.code in _NO_SUCH_ORDER:
                return NotThereYet()
            raise answer.as_error()
        another = names_another(answer.content, record, app_id=self._app_id, mch_id=self._mch_id)
        if another:
            raise ChannelUnavailable(
                detail=f"asked for {record.pay_no}, the answer has another {another}"
            )
        try:
            return verdict_of(answer.content, seen_at=self._clock.now())
        except UnreadableTrade as error:
            return Unknown(str(error))

    def close(self, record: PayRecord, deadline: Deadline) -> CloseAnswer:
        """Close by ``out_trade_no`` (https://pay.weixin.qq.com/doc/v3/merchant/4012556398).

        Raises
        ------
        ChannelUnavailable
            It may be closed or not.
        """
        self._refuse_unless_ours(record)
        answer = self._gateway.post(f"{_path_of(record)}/close", close_body(self._mch_id), deadline)
        if not isinstance(answer, Refusal):
            if answer.status == 204:
                return ClosedThere()
            raise ChannelUnavailable(detail=f"closing was answered with {answer.status}")
        if answer.code in _NO_SUCH_ORDER:
            return NothingToClose()
        if answer.code in _NOT_TO_BE_CLOSED:
            return CloseRefused(answer.code)
        raise ChannelUnavailable(detail=str(answer))

    def refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """Ask for a refund (https://pay.weixin.qq.com/doc/v3/merchant/4012556457).

        Idempotent by ``channel_refund_no``; the same rows send the same bytes. Mostly it is
        accepted first, and done a little later.
        """
        body = refund_body(record, refund, notify_url=self._notify_url)
        try:
            self._refuse_unless_ours(record)
            answer = self._gateway.post(_REFUNDS, body, deadline)
        except ChannelUnavailable as error:
            return RefundUnknown(error.detail)
        if isinstance(answer, Refusal):
            return verdict_of_refusal(answer)
        return verdict_of_answer(answer.content, record, refund, seen_at=self._clock.now())

    def query_refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """Ask by ``out_refund_no`` (https://pay.weixin.qq.com/doc/v3/merchant/4012556459)."""
        try:
            self._refuse_unless_ours(record)
            answer = self._gateway.get(
                f"{_REFUNDS}/{quote(refund.channel_refund_no, safe='')}", deadline
            )
        except ChannelUnavailable as error:
            return RefundUnknown(error.detail)
        if isinstance(answer, Refusal):
            return verdict_of_refused_query(answer)
        return verdict_of_answer(answer.content, record, refund, seen_at=self._clock.now())

    def parse_notify(self, headers: Mapping[str, str], raw_body: bytes) -> Notify:
        """Verify, decrypt, then read, what WeChat posts to ``notify_url``.

        Raises
        ------
        NotifyRejected
            Not signed with WeChat's key within the last five minutes, not to be decrypted, or for
            another merchant or app.
        NotifyUnusable
            Ours, but a required field is missing or unreadable.
        """
        return self._notifies.parse(headers, raw_body)

    def download_bill(self, day: date, deadline: Deadline) -> bytes:
        """The trade bill of a Beijing day; see ``bill.download_bill``."""
        return wechat_bill.download_bill(self._gateway, day, deadline)

    def _refuse_unless_ours(self, record: PayRecord) -> None:
        # another app or merchant cannot see the trade: it would say "does not exist" of a payment
        ours = ((record.app_id, self._app_id), (record.merchant_id, self._mch_id))
        for theirs, own in ours:
            if theirs not in (None, own):
                raise ChannelUnavailable(detail=f"attempt {record.pay_no} belongs to {theirs}")


def _path_of(record: PayRecord) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(record.pay_no, safe='')}"
