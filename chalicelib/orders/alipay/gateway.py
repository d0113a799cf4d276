"""Asking Alipay's gateway: one signed question, one signed answer that is about our trade.

What a question is for is its caller's affair. Here everything that keeps an answer from being
believed becomes ``ChannelUnavailable``: the outcome is unknown, never failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.clock import Clock, to_beijing_text
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.alipay.sdk import AlipaySdk, as_code, described
from chalicelib.orders.http_client.exchange import NoAnswer, fetch
from chalicelib.orders.model import PayRecord

_SUCCESS = "10000"
_UNAVAILABLE = "20000"
_NO_BILL = "isp.bill_not_exist"  # a plain no, in spite of its family


@dataclass(frozen=True, slots=True)
class Answer:
    """The signed part of an answer: its text fields."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """A field; blank when it is missing."""
        return self.fields.get(name, "")

    @property
    def succeeded(self) -> bool:
        """Whether the method was carried out; what that means is the method's own."""
        return self["code"] == _SUCCESS

    @property
    def sub_code(self) -> str:
        """Why it was not."""
        return self["sub_code"]

    @property
    def codes(self) -> str:
        """What it says, for the log: its codes and nothing that a person wrote."""
        return f"{as_code(self['code'])} {as_code(self.sub_code)}".strip()

    @property
    def is_trouble(self) -> bool:
        """Whether Alipay itself failed, so that the method may have been carried out or not.

        ``20000`` and the families ``isp`` and ``aop`` are its own
        (https://opendocs.alipay.com/common/02km9f).
        """
        return (
            self["code"] == _UNAVAILABLE
            or "SYSTEM_ERROR" in self.sub_code
            or (self.sub_code.startswith(("isp.", "aop.")) and self.sub_code != _NO_BILL)
        )


class AlipayGateway:
    """Asks as one app; safe to use from several threads."""

    def __init__(self, sdk: AlipaySdk, app_id: str, clock: Clock, timeout_seconds: float) -> None:
        self._sdk = sdk
        self._app_id = app_id
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    def ask(self, method: str, content: Mapping[str, object], deadline: Deadline) -> Answer:
        """The answer to one question; a refusal is an answer.

        Waits for the time-out at most, and never beyond ``deadline``.

        Raises
        ------
        ChannelUnavailable
            No answer in time, one that Alipay did not sign, or trouble of its own.
        """
        limit = self._limit(deadline)
        timestamp = to_beijing_text(self._clock.now())
        try:
            told = self._sdk.ask(method, dict(content), timestamp, limit)
            answer = Answer({name: text for name, text in told.items() if isinstance(text, str)})
        except Exception as error:  # noqa: BLE001  the SDK raises what it likes
            # not as its cause: that may quote the answer, and an answer tells who the buyer is
            raise ChannelUnavailable(detail=described(error)) from None
        if answer.is_trouble:
            raise ChannelUnavailable(detail=answer.codes)
        return answer

    def ask_about(
        self,
        record: PayRecord,
        method: str,
        deadline: Deadline,
        *,
        content: Mapping[str, object] | None = None,
        names_trade: bool = True,
    ) -> Answer:
        """As `ask`, about the trade of an attempt.

        Parameters
        ----------
        content
            What the method wants besides ``out_trade_no``.
        names_trade
            Whether a success of this method always says which trade it is about.

        Raises
        ------
        ChannelUnavailable
            As `ask`; or the attempt belongs to another app, which alone can see its trade; or
            the answer is about another trade.
        """
        if record.app_id not in (None, self._app_id):
            # asked by us, Alipay would say "does not exist" of a payment
            raise ChannelUnavailable(detail=f"attempt {record.pay_no} belongs to another app")
        answer = self.ask(method, {"out_trade_no": record.pay_no} | dict(content or {}), deadline)
        about = answer["out_trade_no"]
        if about != record.pay_no and (about or (names_trade and answer.succeeded)):
            raise ChannelUnavailable(detail=f"asked for {record.pay_no}, answered for another")
        return answer

    def download(self, url: str, deadline: Deadline, most_bytes: int) -> bytes:
        """The body of an address that the gateway named, under the same limits; not signed.

        Raises
        ------
        ChannelUnavailable
            It did not come whole, or in time.
        """
        limit = self._limit(deadline)
        try:
            return fetch(url, limit=limit, most_bytes=most_bytes)
        except NoAnswer as error:
            raise ChannelUnavailable(detail=str(error)) from None

    def _limit(self, deadline: Deadline) -> Deadline:
        limit = Deadline.after(deadline.cut(self._timeout_seconds))
        if limit.passed():
            raise ChannelUnavailable(detail="no time left to ask Alipay")
        return limit
