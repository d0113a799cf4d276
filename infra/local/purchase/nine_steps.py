"""One purchase in nine steps, seen from outside: HTTP, the platform, the exchange.

What is bought (`Goods`) and how the payer pays (`WayToPay`) are parts of it; everything else is the
same for all goods and all platforms.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from infra.local.purchase.browser import PayerError
from infra.local.purchase.goods import Goods
from infra.local.purchase.listener import Listener
from infra.local.purchase.person import Person
from infra.local.purchase.qr_reader import read_qr
from infra.local.purchase.steps import Step, StepFailed, expect, until
from infra.local.purchase.way_to_pay import SeenDelivery, SeenTrade, WayToPay

_PAID_ORDER, _PAID_RECORD = "600002", "601002"


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who buys, and how long they wait for what takes its time."""

    user_id: str = "50"
    patience_seconds: float = 60.0


class Purchase:
    """A student's purchase on a running local stack.

    Parameters
    ----------
    api_url, identity_url : str
        The parts of the stack.
    goods : Goods
        What is bought.
    way : WayToPay
        How it is paid; closed with the purchase.
    listener : Listener
        Hears what the exchange carries; must listen before the payment.
    shopper : Shopper
        Who buys.
    """

    def __init__(
        self,
        *,
        api_url: str,
        identity_url: str,
        goods: Goods,
        way: WayToPay,
        listener: Listener,
        shopper: Shopper,
    ) -> None:
        self.student = Person(api_url=api_url, identity_url=identity_url, user_id=shopper.user_id)
        self.goods = goods
        self.way = way
        self.shopper = shopper
        self.record_id = ""
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
        goods, platform = self.goods, self.way.platform
        return (
            Step(1, goods.choosing, self._choose),
            Step(2, "generate the order and its QR code (下单)", self._order),
            Step(3, f"scan; {platform} makes the payment order (扫码)", self._scan),
            Step(4, f"pay in {platform} (支付)", self._pay),
            Step(5, f"{platform} sends the notification (发送通知)", self._notified),
            Step(6, "the notification is received (接收通知)", self._received),
            Step(7, "ask for the result (查询结果)", self._result),
            Step(8, goods.announcing, self._announced),
            Step(9, goods.opening, self._opened),
        )

    def _choose(self) -> str:
        self.student.log_in()
        self.record_id = self.goods.choose(self.student)
        return f"record {self.record_id}"

    def _order(self) -> str:
        wanted = {"outBusinessId": self.record_id, "orderType": self.goods.order_type}
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
        message = self.listener.hear(self.record_id, self.shopper.patience_seconds)
        if message is None:
            raise StepFailed("the exchange carried no message about the record")
        expect("orderId in the message", message["orderId"], self.order_id)
        return f"message {message['id']}"

    def _opened(self) -> str:
        until(
            f"{self.goods.called} did not open",
            lambda: self.goods.is_open(self.student),
            self.shopper.patience_seconds,
        )
        return self.goods.opened(self.student)

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
