"""What Alipay sends by itself: notifications, and the browser returns that it signs.

A valid signature alone says little. Each message is also checked for the signature type, the
charset, the app and the seller.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.orders.alipay.form import BadForm, strict_form
from chalicelib.orders.alipay.sdk import SIGN_TYPE, AlipaySdk
from chalicelib.orders.alipay.trade import UnreadableTrade, amount_of, required, verdict_of
from chalicelib.orders.model import PayNo, is_pay_no
from chalicelib.orders.platform import Notify, Return


class AlipayMessages:
    """Verifies and reads messages for one app and one seller."""

    def __init__(self, sdk: AlipaySdk, app_id: str, seller_id: str) -> None:
        self._sdk = sdk
        self._app_id = app_id
        self._seller_id = seller_id

    def parse_notify(self, raw_body: bytes) -> Notify:
        """Verify, then read, the form that Alipay posts to ``notify_url``.

        The signed text is every field but ``sign`` and ``sign_type``
        (https://opendocs.alipay.com/common/02mse7). A refund is told by the notification of its
        trade, as the sum of all that went back.

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
                tells=verdict_of(fields),
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
