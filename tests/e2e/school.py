"""The running stack in the hands of a test: people, faults, and processes that are killed.

What a test breaks is mended at its end, so that the next one finds everything in order.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from infra.local.purchase.alipay_way import AlipayWay
from infra.local.purchase.course import Course
from infra.local.purchase.goods import Goods
from infra.local.purchase.listener import Listener
from infra.local.purchase.nine_steps import Purchase, Shopper
from infra.local.purchase.person import Json, Person
from infra.local.purchase.refund import Refund
from infra.local.purchase.steps import Step, StepFailed, until, walk
from infra.local.purchase.study_material import StudyMaterial
from infra.local.purchase.way_to_pay import WayToPay
from infra.local.purchase.wechat_way import WeChatWay
from infra.local.stack import Stack
from tests.e2e.database_gate import Held

_T = TypeVar("_T")

QUICK = {
    "SCHEDULE_PERIOD_SECONDS": "4",
    "DRAIN_WINDOW_SECONDS": "3",
    "RETRY_DELAYS_SECONDS": "1,2",
    "QUERY_INTERVAL_SECONDS": "1",
    "CLAIM_SECONDS": "3",
    "CHECK_EVERY_SECONDS": "3",
    "REFUND_RETRY_SECONDS": "3",
    "REFUND_APPROVAL_ABOVE_FEN": "10000",
}
"""What the stack under test waits, instead of minutes."""

PATIENCE_SECONDS = 40.0
_EVERY_TIME = 1000
_SLOW_SECONDS = 60

A_COURSE, A_MATERIAL = Course("1002"), StudyMaterial("2001")
_students = itertools.count(int(time.time()))


@dataclass(frozen=True)
class Fault:
    """A fault that was ordered from a simulator."""

    url: str

    def wait(self) -> None:
        """Wait until it happens: a slow answer is then being waited for.

        The test that orders it has no other open.
        """
        until("the fault did not happen", self._has_happened, PATIENCE_SECONDS)

    def _has_happened(self) -> bool:
        return httpx.get(self.url).json() == []


class School:
    """Makes purchases, faults and crashes."""

    def __init__(self, stack: Stack, held: ExitStack) -> None:
        self.stack = stack
        self._held = held
        self._threads = held.enter_context(ThreadPoolExecutor())

    def by_wechat(self, *, cancels: bool = False) -> WeChatWay:
        """Somebody inside WeChat."""
        way = WeChatWay(self.stack.wechat_url, cancels=cancels)
        self._held.callback(way.close)
        return way

    def by_alipay(self, **payer: str) -> AlipayWay:
        """Somebody with an Alipay account."""
        way = AlipayWay(self.stack.alipay_url, **payer)
        self._held.callback(way.close)
        return way

    def purchase(
        self,
        way: WayToPay,
        *,
        goods: Goods = A_COURSE,
        user_id: str = "",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Purchase:
        """A purchase of ``user_id``, or of a new student, heard from its beginning."""
        listener = self._held.enter_context(Listener(self.stack.env["RABBITMQ_URL"]))
        return self._held.enter_context(
            Purchase(
                api_url=self.stack.api_url,
                identity_url=self.stack.identity_url,
                goods=goods,
                way=way,
                listener=listener,
                shopper=Shopper(
                    user_id=user_id or str(next(_students)),
                    patience_seconds=patience_seconds,
                ),
            )
        )

    def refund(self, purchase: Purchase) -> Refund:
        """An operator's wish to give ``purchase`` back."""
        return Refund(purchase, self.operator(), f"of-{purchase.order_id}")

    def operator(self, user_id: str = "9001") -> Person:
        """Somebody who may refund, logged in."""
        person = Person(
            api_url=self.stack.api_url,
            identity_url=self.stack.identity_url,
            user_id=user_id,
            roles=("refund-operator",),
        )
        person.log_in()
        return self._held.enter_context(person)

    def fault(self, way: WayToPay, **order: Any) -> Fault:
        """Order a fault from the simulator of ``way``; every time, unless ``times`` says else."""
        home = self.stack.alipay_url if isinstance(way, AlipayWay) else self.stack.wechat_url
        url = f"{home}/_control/faults"
        httpx.post(url, json={"times": _EVERY_TIME, **order}).raise_for_status()
        self._held.callback(lambda: httpx.delete(url).raise_for_status())
        return Fault(url)

    def slow_answer(self, way: WayToPay, call: str, pay_no: str) -> Fault:
        """The platform carries the next such call out, and lets its caller wait."""
        return self.fault(
            way, on=call, do="slow", seconds=_SLOW_SECONDS, times=1, out_trade_no=pay_no
        )

    def mends(self, deed: Callable[[], object]) -> None:
        """Do something at the end of the test."""
        self._held.callback(deed)

    def meanwhile(self, deed: Callable[[], _T]) -> Future[_T]:
        """Do something while the test goes on."""
        return self._threads.submit(deed)

    def kill(self, part: str) -> None:
        """End a part's processes by SIGKILL, now; if nobody starts it before, the end does."""
        self._held.callback(self.stack.part(part).start)
        self.stack.part(part).kill()

    def start(self, part: str) -> None:
        """Start a part that was killed."""
        self.stack.part(part).start()


def kill_api(school: School, held: Held | Fault, deed: Callable[[], object]) -> None:
    """Do ``deed``, kill the API while ``held`` keeps it waiting, and start it again."""
    asked = school.meanwhile(deed)
    held.wait()
    school.kill("api")
    assert asked.exception(timeout=20) is not None, "it was answered before the kill"
    school.start("api")


def do(*steps: Step) -> None:
    """All of these steps happen."""
    said: list[str] = []
    assert walk(steps, said.append), said


def at_last(deed: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Do it again and again until it succeeds, as a person does who is told to wait."""
    complaints: list[str] = []

    def tried() -> bool:
        try:
            deed()
        except Exception as error:  # noqa: BLE001  whatever it is, it may pass
            complaints.append(str(error))
            return False
        return True

    try:
        until("no success", tried, seconds)
    except StepFailed as failure:
        raise AssertionError(complaints[-1]) from failure


def order_of(purchase: Purchase) -> Json:
    """The order as its owner sees it; nobody asks a platform for that."""
    return purchase.student.asks("GET", f"/orders/{purchase.order_id}")


def order_becomes(purchase: Purchase, status: str) -> Json:
    """Wait until the order has ``status``."""
    until(
        f"the order did not become {status}",
        lambda: order_of(purchase)["status"] == status,
        PATIENCE_SECONDS,
    )
    return order_of(purchase)


def learning(purchase: Purchase) -> Json:
    """What the student may do with the course that was bought, and how long."""
    assert isinstance(purchase.goods, Course)
    return purchase.goods.learning(purchase.student)


def may_learn(purchase: Purchase) -> None:
    """Wait until the course is open."""
    until(
        "the course is not open",
        lambda: learning(purchase)["learnStatus"] == "702001",
        PATIENCE_SECONDS,
    )
