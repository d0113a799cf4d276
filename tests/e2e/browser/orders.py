"""A student with an order, to be paid in a browser."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

from infra.local.purchase.person import Json, Person
from infra.local.purchase.steps import until
from infra.local.stack import Stack

PATIENCE_SECONDS = 40.0
UNPAID, PAID, CLOSED = "600001", "600002", "600003"

_students = itertools.count(int(time.time() * 1000))


@dataclass(frozen=True)
class Bill:
    """An order of a student, and the link that its QR code holds."""

    student: Person
    order_id: str
    pay_no: str
    link: str

    def order(self) -> Json:
        """The order as its owner sees it; nobody asks a platform for that."""
        return self.student.asks("GET", f"/orders/{self.order_id}")

    def becomes(self, status: str) -> None:
        """Wait until the order has ``status``."""
        failure = f"the order did not become {status}"
        until(failure, lambda: self.order()["status"] == status, PATIENCE_SECONDS)

    @property
    def attempts(self) -> list[Json]:
        """The attempts to pay it, oldest first."""
        attempts: list[Json] = self.order()["attempts"]
        return attempts


def new_bill(stack: Stack, course_id: str = "1002") -> Bill:
    """A new student orders the course."""
    student = Person(
        api_url=stack.api_url, identity_url=stack.identity_url, user_id=str(next(_students))
    )
    student.log_in()
    chosen = student.asks("POST", f"/learning/choosecourse/{course_id}")
    wanted = {"outBusinessId": chosen["id"], "orderType": "60201"}
    code = student.asks("POST", "/orders/generatepaycode", json=wanted)
    return Bill(student, code["orderId"], code["payNo"], code["payUrl"])
