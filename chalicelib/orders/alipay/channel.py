"""Alipay's mobile web payment (支付宝手机网站支付) as a payment channel.

The SDK signs and verifies; a valid signature alone says little. Every message is also checked for
who it is for and which trade it is about, and whatever cannot be trusted is unknown, never failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import parse_qsl

from chalicelib.clock import Clock, to_beijing_text
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.money import fen_to_yuan_text
from chalicelib.orders.alipay.bill import AlipayBills
from chalicelib.orders.alipay.gateway import AlipayGateway
from chalicelib.orders.alipay.messages import AlipayMessages
from chalicelib.orders.alipay.refund import AlipayRefunds
from chalicelib.orders.alipay.sdk import AlipaySdk
from chalicelib.orders.alipay.trade import UnreadableTrade, subject_for, verdict_of
from chalicelib.orders.model import PayChannel, PayRecord, Refund, TradeType
from chalicelib.orders.platform import Form, Notify, Opening, Payer, Return
from chalicelib.orders.verdict import (
    CloseAnswer,
    ClosedThere,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    RefundVerdict,
    Unknown,
    Verdict,
)

_PRODUCT_CODE = "QUICK_WAP_WAY"  # the SDK's own default names a product that does not exist
_TRADE_NOT_EXIST = "ACQ.TRADE_NOT_EXIST"
_NOT_OPEN_ANY_MORE = frozenset(
    {
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
        "ACQ.TRADE_HAS_SUCCESS",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
    }
)


class AlipayChannel:
    """Alipay as a `chalicelib.orders.platform.PaymentChannel`; safe to use from several threads."""

    def __init__(
        self,
        *,
        app_id: str,
        seller_id: str,
        app_private_key: str,
        alipay_public_key: str,
        gateway_url: str,
        notify_url: str,
        return_url: str,
        clock: Clock,
        quit_url: str = "",
        timeout_seconds: float = 5.0,
    ) -> None:
        """Load the keys; no network.

        Parameters
        ----------
        app_private_key, alipay_public_key
            RSA keys in PEM. The second is Alipay's, not the public half of the first.
        quit_url
            Where Alipay sends a payer who gives up; left out when empty.
        timeout_seconds
            The longest wait for one answer, connecting included.

        Raises
        ------
        SettingsError
            A key is not an RSA key in PEM; the message does not show it.
        """
        self._app_id = app_id
        self._seller_id = seller_id
        self._gateway_url = gateway_url
        self._notify_url = notify_url
        self._return_url = return_url
        self._quit_url = quit_url
        self._clock = clock
        self._sdk = AlipaySdk(app_id, app_private_key, alipay_public_key, gateway_url)
        self._gateway = AlipayGateway(self._sdk, app_id, clock, timeout_seconds)
        self._messages = AlipayMessages(self._sdk, app_id, seller_id)
        self._refunds = AlipayRefunds(self._gateway, clock)
        self._bills = AlipayBills(self._gateway, gateway_url)

    def freeze(self, record: PayRecord, payer: Payer, now: datetime) -> Opening:
        """The signed ``alipay.trade.wap.pay`` request of an attempt, as a query string.

        ``time_expire`` is the attempt's absolute end in Beijing time; the relative
        ``timeout_express`` would only start to run when the payer logs in
        (https://opendocs.alipay.com/open/02ivbs).
        """
        if (payer.channel, payer.trade_type) != (PayChannel.ALIPAY, TradeType.ALI_WAP):
            raise ValueError(f"Alipay has no {payer.trade_type} of {payer.channel}")
        content = {
            "subject": subject_for(record.subject),
            "out_trade_no": record.pay_no,
            "total_amount": fen_to_yuan_text(record.amount_fen),
            "product_code": _PRODUCT_CODE,
            "time_expire": to_beijing_text(record.expires_at),
        }
        if self._quit_url:
            content["quit_url"] = self._quit_url
        request = self._sdk.client_api(
            "alipay.trade.wap.pay",
            content,
            timestamp=to_beijing_text(now),
            notify_url=self._notify_url,
            return_url=self._return_url,
        )
        return Opening(app_id=self._app_id, merchant_id=self._seller_id, request=str(request))

    def start(self, record: PayRecord, deadline: Deadline) -> None:
        """Nothing to send: Alipay hears of the attempt when its payer submits the form."""

    def is_fresh(
        self,
        record: PayRecord,
        now: datetime,  # noqa: ARG002  a signed form is good until its time_expire
    ) -> bool:
        """Whether the attempt was frozen; nothing of it goes stale."""
        return record.request is not None

    def present(
        self,
        record: PayRecord,
        now: datetime,  # noqa: ARG002  the same form at any time
    ) -> Form:
        """The form of a frozen attempt; the same bytes, and so the same signature, each time."""
        if record.request is None:
            raise ValueError(f"attempt {record.pay_no} was never frozen")
        return Form(
            # the gateway reads the charset from the address before it reads the body
            action=f"{self._gateway_url}?charset=utf-8",
            fields=tuple(parse_qsl(record.request, keep_blank_values=True, strict_parsing=True)),
        )

    def query(self, record: PayRecord, deadline: Deadline) -> Verdict:
        """Ask ``alipay.trade.query`` (https://opendocs.alipay.com/open/02ivbt).

        Waits ``timeout_seconds`` at most, and never beyond ``deadline``. A payment whose time
        the answer does not tell gets the present time.

        Raises
        ------
        ChannelUnavailable
            No answer, an answer that is not signed by Alipay or is about another trade, or
            Alipay's own trouble: the outcome is unknown.
        ChannelRefused
            A signed refusal.
        """
        answer = self._gateway.ask_about(record, "alipay.trade.query", deadline)
        if answer.succeeded:
            try:
                return verdict_of(answer.fields, seen_at=self._clock.now())
            except UnreadableTrade as error:
                return Unknown(str(error))
        if answer.sub_code == _TRADE_NOT_EXIST:
            return NotThereYet()
        raise ChannelRefused(detail=answer.codes)

    def close(self, record: PayRecord, deadline: Deadline) -> CloseAnswer:
        """Ask to close (https://docs.open.alipay.com/api_1/alipay.trade.close).

        Only a trade that waits for its payer can be closed. Idempotent: one that is closed
        already is refused.

        Raises
        ------
        ChannelUnavailable
            As `query`; also a refusal that says nothing about the trade.
        """
        answer = self._gateway.ask_about(record, "alipay.trade.close", deadline)
        if answer.succeeded:
            return ClosedThere()
        if answer.sub_code == _TRADE_NOT_EXIST:
            return NothingToClose()
        if answer.sub_code in _NOT_OPEN_ANY_MORE:
            return CloseRefused(answer.codes)
        raise ChannelUnavailable(detail=answer.codes)

    def refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """As `AlipayRefunds.ask_for`."""
        return self._refunds.ask_for(record, refund, deadline)

    def query_refund(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """As `AlipayRefunds.query`."""
        return self._refunds.query(record, refund, deadline)

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002  other platforms sign by header
        raw_body: bytes,
    ) -> Notify:
        """As `AlipayMessages.parse_notify`."""
        return self._messages.parse_notify(raw_body)

    def parse_return(self, query: Mapping[str, str]) -> Return:
        """As `AlipayMessages.parse_return`."""
        return self._messages.parse_return(query)

    def download_bill(self, day: date, deadline: Deadline) -> bytes:
        """As `AlipayBills.of`."""
        return self._bills.of(day, deadline)
