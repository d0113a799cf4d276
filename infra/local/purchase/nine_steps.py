"""One purchase in nine steps, seen from outside: HTTP, the platform, the exchange.

How the payer pays is a part of it (`WayToPay`); everything else is the same for all platforms.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from infra.local.purchase.browser import PayerError
from infra.local.purchase.listener import Listener
from infra.local.purchase.person import Json, Person
from infra.local.purchase.qr_reader import read_qr
from infra.local.purchase.steps import Step, StepFailed, expect, until
from infra.local.purchase.way_to_pay import SeenDelivery, SeenTrade, WayToPay

_PAID_ORDER, _PAID_RECORD, _MAY_LEARN = "600002", "601002", "702001"


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who buys what. The defaults buy; a test may choose others."""

    user_id: str = "50"
    course_id: str = "1002"
    patience_seconds: float = 60.0


class Purchase:
    """A student's purchase on a running local stack.

    Parameters
    ----------
    api_url, identity_url : str
        The parts of the stack.
    way : WayToPay
        How it is paid; closed with the purchase.
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
        way: WayToPay,
        listener: Listener,
        shopper: Shopper,
    ) -> None:
        self.student = Person(api_url=api_url, identity_url=identity_url, user_id=shopper.user_id)
        self.way = way
        self.shopper = shopper
        self.choose_course_id = ""
        self.order_id = ""
        self.pay_no = ""
        self.link = ""
        self.price_fen = 0
        self.listener = listener

    def __enter__(self) -> Purchase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.student.close()
        self.way.close()

    def steps(self) -> tuple[Step, ...]:
        """The nine, to be done in this order."""
        platform = self.way.platform
        return (
            Step(1, "choose the course (选课)", self._choose),
            Step(2, "generate the order and its QR code (下单)", self._order),
            Step(3, f"scan; {platform} makes the payment order (扫码)", self._scan),
            Step(4, f"pay in {platform} (支付)", self._pay),
            Step(5, f"{platform} sends the notification (发送通知)", self._notified),
            Step(6, "the notification is received (接收通知)", self._received),
            Step(7, "ask for the result (查询结果)", self._result),
            Step(8, "the result is announced (通知学习中心)", self._announced),
            Step(9, "the course is in the table (开通课程)", self._opened),
        )

    def learn_status(self) -> str:
        """What the student may do with the course now.

        Raises
        ------
        StepFailed
            There is no answer.
        """
        return str(self._learning()["learnStatus"])

    def _choose(self) -> str:
        self.student.log_in()
        record = self.student.asks("POST", f"/learning/choosecourse/{self.shopper.course_id}")
        expect("status", record["status"], "701002")
        expect("learnStatus", record["learnStatus"], "702002")
        self.choose_course_id = record["id"]
        return f"chooseCourseId {record['id']}"

    def _order(self) -> str:
        wanted = {"outBusinessId": self.choose_course_id, "orderType": "60201"}
        code = self.student.asks("POST", "/orders/generatepaycode", json=wanted)
        self.order_id, self.pay_no = code["orderId"], code["payNo"]
        self.link, self.price_fen = read_qr(code["qrcode"]), code["totalPriceFen"]
        expect("the QR code", self.link, code["payUrl"])
        return f"orderId {self.order_id}, payNo {self.pay_no}, ¥{code['totalPrice']}"

    def _scan(self) -> str:
        try:
            self.way.arrive(self.link)
        except PayerError as error:
            raise StepFailed(str(error)) from error
        trade = self._trade()
        expect(f"the trade at {self.way.platform}", trade.state, self.way.open_state)
        expect("its amount in fen", trade.amount_fen, self.price_fen)
        return f"{trade.state} {trade.trade_no}"

    def _pay(self) -> str:
        try:
            self.way.pay()
        except PayerError as error:
            raise StepFailed(str(error)) from error
        trade = self._trade()
        expect(f"the trade at {self.way.platform}", trade.state, self.way.paid_state)
        return f"{trade.state} {trade.trade_no}"

    def _notified(self) -> str:
        failure = f"{self.way.platform} sent no notification"
        sent = until(failure, self._news, self.shopper.patience_seconds)
        return f"notify {sent[0].notify_id}"

    def _received(self) -> str:
        accepted = until(
            "no notification was answered with success",
            lambda: [delivery for delivery in self._news() if delivery.is_accepted],
            self.shopper.patience_seconds,
        )
        return f"answered {accepted[0].status} {accepted[0].answer}".rstrip()

    def _result(self) -> str:
        try:
            page = self.way.come_back(self.shopper.patience_seconds)
        except PayerError as error:
            raise StepFailed(str(error)) from error
        expect("the result page's payNo", self.pay_no in page.url, True)
        result = self.student.asks("GET", "/orders/payresult", params={"payNo": self.pay_no})
        expect("order status", result["orderStatus"], _PAID_ORDER)
        expect("pay record status", result["status"], _PAID_RECORD)
        return f"order {_PAID_ORDER}, pay record {_PAID_RECORD}"

    def _announced(self) -> str:
        message = self.listener.hear(self.choose_course_id, self.shopper.patience_seconds)
        if message is None:
            raise StepFailed("the exchange carried no message about the record")
        expect("orderId in the message", message["orderId"], self.order_id)
        return f"message {message['id']}"

    def _opened(self) -> str:
        until(
            f"learnStatus did not become {_MAY_LEARN}",
            lambda: self.learn_status() == _MAY_LEARN,
            self.shopper.patience_seconds,
        )
        table = self.student.asks("GET", "/learning/mycoursetable")
        courses = [row["courseId"] for row in table["items"]]
        expect("the course in my course table", self.shopper.course_id in courses, True)
        return f"learnStatus {_MAY_LEARN} until {self._learning()['validtimeEnd']}"

    def _learning(self) -> Json:
        path = f"/learning/choosecourse/learnstatus/{self.shopper.course_id}"
        return self.student.asks("GET", path)

    def _trade(self) -> SeenTrade:
        try:
            return self.way.trade(self.pay_no)
        except PayerError as error:
            raise StepFailed(str(error)) from error

    def _news(self) -> list[SeenDelivery]:
        try:
            return self.way.payment_news(self.pay_no)
        except PayerError as error:
            raise StepFailed(str(error)) from error
