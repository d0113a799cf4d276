"""A refund of a purchase, seen from outside: an operator asks, money and goods go back."""

from __future__ import annotations

from infra.local.purchase.browser import PayerError
from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.person import Json, Person
from infra.local.purchase.steps import Step, StepFailed, expect, until

_REFUNDED_ORDER, _REFUNDED_RECORD, _DONE = "600004", "601003", "done"


class Refund:
    """The whole amount of a finished purchase goes back.

    Parameters
    ----------
    operator
        Their token has the refund role.
    idempotency_key
        Names this wish: asking again with it asks for nothing more.
    """

    def __init__(self, purchase: Purchase, operator: Person, idempotency_key: str) -> None:
        self._purchase = purchase
        self._operator = operator
        self._key = idempotency_key
        self.refund_no = ""

    def steps(self) -> tuple[Step, ...]:
        """The three, to be done in this order."""
        purchase = self._purchase
        return (
            Step(1, "an operator asks for the refund (申请退款)", self.ask),
            Step(2, f"{purchase.way.platform} pays back (退款到账)", self._paid_back),
            Step(3, purchase.goods.taking_back, self._taken_back),
        )

    def ask(self) -> str:
        """Ask, as often as one likes.

        Raises
        ------
        StepFailed
            It was not taken in.
        """
        self._operator.log_in()
        path = f"/orders/{self._purchase.order_id}/refund"
        wanted = {"reason": "学员申请退款", "idempotencyKey": self._key}
        refund = self._operator.asks("POST", path, json=wanted)
        expect("the amount in fen", refund["refundFen"], self._purchase.price_fen)
        self.refund_no = refund["refundNo"]
        return f"refundNo {self.refund_no}, ¥{refund['refundAmount']}"

    def _paid_back(self) -> str:
        until(
            f"the order did not become {_REFUNDED_ORDER}",
            lambda: self._order()["status"] == _REFUNDED_ORDER,
            self._purchase.shopper.patience_seconds,
        )
        [refund] = self._order()["refunds"]
        expect("the refund", (refund["refundNo"], refund["status"]), (self.refund_no, _DONE))
        attempts = {each["payNo"]: each["status"] for each in self._order()["attempts"]}
        expect("pay record status", attempts[self._purchase.pay_no], _REFUNDED_RECORD)
        try:
            trade = self._purchase.way.trade(self._purchase.pay_no)
        except PayerError as error:
            raise StepFailed(str(error)) from error
        expect("fen that are back at the platform", trade.refunded_fen, self._purchase.price_fen)
        return f"order {_REFUNDED_ORDER}, refund {_DONE} at {refund['refundedAt']}"

    def _taken_back(self) -> str:
        purchase = self._purchase
        until(
            f"{purchase.goods.called} was not taken back",
            lambda: not purchase.goods.is_open(purchase.student),
            purchase.shopper.patience_seconds,
        )
        return purchase.goods.taken_back(purchase.student)

    def _order(self) -> Json:
        return self._purchase.student.asks("GET", f"/orders/{self._purchase.order_id}")
