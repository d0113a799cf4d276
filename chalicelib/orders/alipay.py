"""Alipay's mobile web payment (支付宝手机网站支付) as a payment channel.

The SDK signs and verifies; a valid signature alone says little. Here every message is also checked
for the app, the seller, the signature type, the charset and the trade that it is about, and
whatever cannot be trusted is unknown, never failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from chalicelib.clock import Clock, to_beijing_text
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable, NotifyRejected, NotifyUnusable
from chalicelib.money import fen_to_yuan_text
from chalicelib.orders.alipay_form import BadForm, strict_form
from chalicelib.orders.alipay_sdk import SIGN_TYPE, AlipaySdk, described
from chalicelib.orders.alipay_trade import (
    UnreadableTrade,
    amount_of,
    required,
    subject_for,
    verdict_of,
)
from chalicelib.orders.model import (
    NotThereYet,
    PayNo,
    PayRecord,
    TradeType,
    Unknown,
    Verdict,
    is_pay_no,
)
from chalicelib.orders.ports import Form, Notify, Opening, Return

_PRODUCT_CODE = "QUICK_WAP_WAY"  # the SDK's own default names a product that does not exist


class AlipayChannel:
    """Alipay as a `chalicelib.orders.ports.PaymentChannel`; safe to use from several threads."""

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
        self._timeout_seconds = timeout_seconds
        self._sdk = AlipaySdk(app_id, app_private_key, alipay_public_key, gateway_url)

    def freeze(self, record: PayRecord, now: datetime) -> Opening:
        """The signed ``alipay.trade.wap.pay`` request of an attempt, as a query string.

        ``time_expire`` is the attempt's absolute end in Beijing time; the relative
        ``timeout_express`` would only start to run when the payer logs in
        (https://opendocs.alipay.com/open/02ivbs).
        """
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
        return Opening(
            trade_type=TradeType.ALI_WAP,
            app_id=self._app_id,
            merchant_id=self._seller_id,
            request=str(request),
        )

    def present(self, record: PayRecord) -> Form:
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
        if record.app_id not in (None, self._app_id):
            # another app cannot see the trade: it would say "does not exist" of a payment
            raise ChannelUnavailable(detail=f"attempt {record.pay_no} belongs to {record.app_id}")
        answer = self._ask("alipay.trade.query", {"out_trade_no": record.pay_no}, deadline)
        code, sub_code = answer.get("code", ""), answer.get("sub_code", "")
        succeeded = code == "10000"
        about = answer.get("out_trade_no", "")
        if about != record.pay_no and (succeeded or about):
            raise ChannelUnavailable(detail=f"asked for {record.pay_no}, answered {about[:64]!r}")
        if succeeded:
            try:
                return verdict_of(answer, seen_at=self._clock.now())
            except UnreadableTrade as error:
                return Unknown(str(error))
        if sub_code == "ACQ.TRADE_NOT_EXIST":
            return NotThereYet()
        detail = f"{code} {sub_code} {answer.get('sub_msg', '')}"[:300]
        # https://opendocs.alipay.com/common/02km9f: 20000 and isp.* are Alipay's own trouble
        if code == "20000" or sub_code.startswith(("isp.", "aop.")) or "SYSTEM_ERROR" in sub_code:
            raise ChannelUnavailable(detail=detail)
        raise ChannelRefused(detail=detail)

    def parse_notify(
        self,
        headers: Mapping[str, str],  # noqa: ARG002  other platforms sign by header
        raw_body: bytes,
    ) -> Notify:
        """Verify, then read, the form that Alipay posts to ``notify_url``.

        The signed text is every field but ``sign`` and ``sign_type``
        (https://opendocs.alipay.com/common/02mse7).

        Raises
        ------
        NotifyRejected
            Not a proper UTF-8 form, not signed with RSA2 by Alipay, or not for our app and seller.
        NotifyUnusable
            Signed and ours, but a required field is missing or unreadable.
        """
        try:
            fields = strict_form(raw_body)
        except BadForm as error:
            raise NotifyRejected(detail=str(error)) from error
        self._refuse_unless_proper(fields)
        if not self._sdk.signed(fields):
            raise NotifyRejected(detail="the signature is wrong")
        self._refuse_unless_ours(fields)
        if fields.get("method", "").endswith(".return"):
            raise NotifyRejected(detail="a browser return is no notification")
        try:
            required(fields, "trade_no")
            amount_of(fields, "total_amount")
            return Notify(
                pay_no=PayNo(required(fields, "out_trade_no")),
                notify_id=required(fields, "notify_id"),
                app_id=fields["app_id"],
                merchant_id=fields["seller_id"],
                verdict=verdict_of(fields),
            )
        except UnreadableTrade as error:
            raise NotifyUnusable(detail=str(error)) from error

    def parse_return(self, query: Mapping[str, str]) -> Return:
        """Which attempt the browser comes back from; it says nothing about payment.

        Alipay documents the signature of a return as that of a notification, ``sign_type`` left
        out (https://opendocs.alipay.com/common/02mse7, https://developer.aliyun.com/ask/285101),
        yet returns of ``wap.pay`` were seen whose signature includes it
        (https://github.com/yansongda/pay/pull/389). Both are Alipay's signature over all that
        matters, so either is accepted.

        Raises
        ------
        NotifyRejected
            Not signed by Alipay, not for our app and seller, or without a pay number of ours.
        """
        self._refuse_unless_proper(query)
        if not (self._sdk.signed(query) or self._sdk.signed(query, with_sign_type=True)):
            raise NotifyRejected(detail="the signature is wrong")
        self._refuse_unless_ours(query)
        pay_no = query.get("out_trade_no", "")
        if not is_pay_no(pay_no):
            raise NotifyRejected(detail="out_trade_no is no pay number")
        return Return(pay_no=PayNo(pay_no))

    def _refuse_unless_proper(self, fields: Mapping[str, str]) -> None:
        if fields.get("sign_type") != SIGN_TYPE:
            raise NotifyRejected(detail=f"sign_type is not {SIGN_TYPE}")
        if fields.get("charset", "utf-8").lower() != "utf-8":
            raise NotifyRejected(detail="charset is not utf-8")

    def _refuse_unless_ours(self, fields: Mapping[str, str]) -> None:
        if fields.get("app_id") != self._app_id:
            raise NotifyRejected(detail="for another app_id")
        if fields.get("seller_id") != self._seller_id:
            raise NotifyRejected(detail="for another seller_id")

    def _ask(self, method: str, content: dict[str, str], deadline: Deadline) -> dict[str, str]:
        """The text fields of a signed answer."""
        limit = Deadline.after(deadline.cut(self._timeout_seconds))
        if limit.passed():
            raise ChannelUnavailable(detail="no time left to ask Alipay")
        timestamp = to_beijing_text(self._clock.now())
        try:
            answer = self._sdk.ask(method, content, timestamp, limit)
            return {name: value for name, value in answer.items() if isinstance(value, str)}
        except Exception as error:  # the SDK and urllib raise what they like
            raise ChannelUnavailable(detail=described(error)) from error
