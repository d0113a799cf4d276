"""One purchase through Alipay, step by step, seen from outside: HTTP, the platform, the exchange.

The steps are the nine of a purchase. Each does its part, looks whether it really happened, and
says which ids it met; a step that did not happen raises `StepFailed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from infra.local.purchase.listener import Listener
from infra.local.purchase.payer import LoginPage, Payer, PayerError, PayPage, ReturnLink
from infra.local.purchase.qr_reader import read_qr

_POLL_SECONDS = 0.1
_PAID_ORDER, _PAID_RECORD, _MAY_LEARN = "600002", "601002", "702001"


class StepFailed(Exception):
    """The step did not happen; the text says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the nine. ``do`` returns the ids that it met, for people to read."""

    number: int
    title: str
    do: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who buys what, and how. The defaults buy; a test may choose others."""

    user_id: str = "50"
    course_id: str = "1002"
    pay_password: str = ""
    patience_seconds: float = 60.0


class Purchase:
    """A student's purchase on a running local stack.

    Parameters
    ----------
    api_url, identity_url, alipay_url : str
        The parts of the stack.
    listener : Listener
        Hears what the exchange carries; must listen before the payment.
    shopper : Shopper
        Who buys what.
    """

    def __init__(
        self,
        *,
        api_url: str,
        identity_url: str,
        alipay_url: str,
        listener: Listener,
        shopper: Shopper,
    ) -> None:
        self._api = httpx.Client(base_url=api_url, timeout=35, trust_env=False)
        self._alipay = httpx.Client(base_url=alipay_url, timeout=10, trust_env=False)
        self._identity_url = identity_url
        self._listener = listener
        self._shopper = shopper
        self._payer = Payer()
        self.choose_course_id = ""
        self.order_id = ""
        self.pay_no = ""
        self._link = ""
        self._price = ""
        self._login_page: LoginPage | None = None
        self._pay_page: PayPage | None = None
        self._return_link: ReturnLink | None = None

    def __enter__(self) -> Purchase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._api.close()
        self._alipay.close()
        self._payer.close()

    def steps(self) -> tuple[Step, ...]:
        """The nine steps, in order."""
        return (
            Step(1, "choose the course (选课)", self._choose),
            Step(2, "make the order and its QR code (下单)", self._order),
            Step(3, "scan; Alipay makes the payment order (扫码)", self._scan),
            Step(4, "pay in Alipay (支付)", self._pay),
            Step(5, "Alipay sends the notification (发送通知)", self._notified),
            Step(6, "the notification is received (接收通知)", self._received),
            Step(7, "ask for the result (查询结果)", self._result),
            Step(8, "the result is announced (通知学习中心)", self._announced),
            Step(9, "the course is in the table (开通课程)", self._opened),
        )

    def _choose(self) -> str:
        self._log_in()
        record = self._json("POST", f"/learning/choosecourse/{self._shopper.course_id}")
        self._expect("status", record["status"], "701002")
        self._expect("learnStatus", record["learnStatus"], "702002")
        self.choose_course_id = record["id"]
        return f"chooseCourseId {record['id']}"

    def _log_in(self) -> None:
        user = {"userId": self._shopper.user_id, "name": "小明"}
        try:
            answer = httpx.post(f"{self._identity_url}/token", json=user, trust_env=False)
            token = answer.raise_for_status().json()["access_token"]
        except httpx.HTTPError as error:
            raise StepFailed(f"no token: {error!r}") from error
        self._api.headers["Authorization"] = f"Bearer {token}"

    def _order(self) -> str:
        wanted = {"outBusinessId": self.choose_course_id, "orderType": "60201"}
        code = self._json("POST", "/orders/generatepaycode", json=wanted)
        self.order_id, self.pay_no = code["orderId"], code["payNo"]
        self._link, self._price = read_qr(code["qrcode"]), code["totalPrice"]
        self._expect("the QR code", self._link, code["payUrl"])
        return f"orderId {self.order_id}, payNo {self.pay_no}, ¥{self._price}"

    def _scan(self) -> str:
        try:
            form = self._payer.choose_alipay(self._payer.open_link(self._link))
            self._pay_page = self._payer.log_in(self._payer.submit_to_alipay(form))
        except PayerError as error:
            raise StepFailed(str(error)) from error
        trade = self._trade()
        self._expect("the trade at Alipay", trade["status"], "WAIT_BUYER_PAY")
        self._expect("its amount", trade["total_amount"], self._price)
        return f"tradeNo {trade['trade_no']}"

    def _pay(self) -> str:
        assert self._pay_page is not None
        password = self._shopper.pay_password
        try:
            self._return_link = (
                self._payer.pay(self._pay_page, password)
                if password
                else self._payer.pay(self._pay_page)
            )
        except PayerError as error:
            raise StepFailed(str(error)) from error
        self._expect("the trade at Alipay", self._trade()["status"], "TRADE_SUCCESS")
        return f"¥{self._price} paid"

    def _notified(self) -> str:
        sent = self._until("Alipay sent no notification", self._deliveries)
        return f"notifyId {sent[0]['fields']['notify_id']}"

    def _received(self) -> str:
        accepted = self._until(
            "no notification was answered with success",
            lambda: [delivery for delivery in self._deliveries() if delivery["is_accepted"]],
        )
        return f"answered {accepted[0]['answer']!r}"

    def _result(self) -> str:
        assert self._return_link is not None
        try:
            page = self._payer.follow_return(self._return_link)
        except PayerError as error:
            raise StepFailed(str(error)) from error
        self._expect("the result page's payNo", self.pay_no in page.url, True)
        result = self._json("GET", "/orders/payresult", params={"payNo": self.pay_no})
        self._expect("order status", result["orderStatus"], _PAID_ORDER)
        self._expect("pay record status", result["status"], _PAID_RECORD)
        return f"order {_PAID_ORDER}, pay record {_PAID_RECORD}"

    def _announced(self) -> str:
        message = self._listener.hear(self.choose_course_id, self._shopper.patience_seconds)
        if message is None:
            raise StepFailed("the exchange carried no message about the record")
        self._expect("orderId in the message", message["orderId"], self.order_id)
        return f"message {message['id']}"

    def _opened(self) -> str:
        path = f"/learning/choosecourse/learnstatus/{self._shopper.course_id}"
        learning = self._until(
            f"learnStatus did not become {_MAY_LEARN}",
            lambda: self._if(self._json("GET", path), "learnStatus", _MAY_LEARN),
        )
        table = self._json("GET", "/learning/mycoursetable")
        courses = [row["courseId"] for row in table["items"]]
        self._expect("the course in my course table", self._shopper.course_id in courses, True)
        return f"learnStatus {_MAY_LEARN} until {learning['validtimeEnd']}"

    def _trade(self) -> dict[str, Any]:
        try:
            answer = self._alipay.get(f"/_control/trades/{self.pay_no}")
            trade: dict[str, Any] = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise StepFailed(f"Alipay knows no trade {self.pay_no}: {error!r}") from error
        return trade

    def _deliveries(self) -> list[dict[str, Any]]:
        """What reached us; a delivery that was lost on the way has no status."""
        notifications = self._trade()["notifications"]
        tried = [delivery for sent in notifications for delivery in sent["deliveries"]]
        return [delivery for delivery in tried if delivery["status"] is not None]

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._api.request(method, path, **options)
        except httpx.HTTPError as error:
            raise StepFailed(f"{method} {path}: {error!r}") from error
        if answer.status_code != httpx.codes.OK:
            raise StepFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body

    def _until(self, failure: str, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self._shopper.patience_seconds
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise StepFailed(f"{failure} within {self._shopper.patience_seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
        return seen

    @staticmethod
    def _if(body: dict[str, Any], name: str, value: str) -> dict[str, Any] | None:
        return body if body[name] == value else None

    @staticmethod
    def _expect(what: str, seen: object, wanted: object) -> None:
        if seen != wanted:
            raise StepFailed(f"{what} is {seen!r}, not {wanted!r}")


def walk(steps: tuple[Step, ...], say: Callable[[str], None]) -> bool:
    """Do the steps one after the other, saying of each how long it took; False at a failed one."""
    for step in steps:
        started = time.monotonic()
        try:
            ids = step.do()
        except StepFailed as failure:
            say(f"✗ step {step.number} did not happen: {step.title}: {failure}")
            return False
        say(f"✓ {step.number}  {time.monotonic() - started:6.2f} s  {step.title}: {ids}")
    return True
