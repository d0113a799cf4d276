"""A school with students, courses and a payment platform, in front of the real app and engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from chalicelib import wiring
from chalicelib.clock import to_beijing_text
from chalicelib.learning.grants import Granting
from chalicelib.learning.model import Course
from chalicelib.money import Fen
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.orders.model import OrderId, PayNo
from chalicelib.orders.pages.links import Purpose
from chalicelib.orders.ports import Change
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import Charge, PublishStatus
from chalicelib.selling.subscriber import PayResultSubscriber
from infra.local.alipay.faults import Fault
from infra.local.alipay.platform import Platform
from infra.local.purchase.html_forms import Form, read_page
from infra.local.services.identity.keys import KeyRing
from infra.local.services.identity.tokens import TokenOrder, claims_of
from infra.local.wechat.platform import Platform as WeChatPlatform
from tests.builders import AlipayPeer
from tests.integration.api.client import Answer, Client
from tests.integration.api.tables import Tables
from tests.wechat_peer import WeChatPeer

ISSUER = "https://id.example"
AUDIENCE = "course-payments"


@dataclass(frozen=True)
class Student:
    user_id: str
    token: str


@dataclass(frozen=True)
class Purchase:
    """An order that somebody may pay: what ``generatepaycode`` told, and for whom."""

    student: Student
    goods_id: str
    record_id: str
    pay_code: Mapping[str, Any]

    @property
    def pay_no(self) -> str:
        return str(self.pay_code["payNo"])

    @property
    def order_id(self) -> str:
        return str(self.pay_code["orderId"])

    @property
    def sign(self) -> str:
        return str(httpx.URL(self.pay_code["payUrl"]).params["sign"])


class Shop:
    """Everything that a test does and sees; ids are new each time, so tests share the tables."""

    def __init__(
        self,
        *,
        client: Client,
        tables: Tables,
        tokens: KeyRing,
        signing_key: RSAPrivateKey,
        alipay: AlipayPeer,
        platform: Platform,
        platform_url: str,
        wechat_peer: WeChatPeer,
        wechat: WeChatPlatform,
        wechat_url: str,
        asked: list[str],
    ) -> None:
        self.client = client
        self.alipay = alipay
        self.platform = platform
        self._platform_url = platform_url
        self.wechat_peer = wechat_peer
        self.wechat = wechat
        self.wechat_url = wechat_url
        self.tables = tables
        self._tokens = tokens
        self.signing_key = signing_key
        self._asked = asked

    # -- people and goods

    def student(self) -> Student:
        user_id = f"u{new_id()}"
        return Student(user_id, self.token(user_id))

    @property
    def key_id(self) -> str:
        """The id under which the issuer publishes its key."""
        return str(self._tokens.key_set()["keys"][0]["kid"])

    def token(self, user_id: str, **claims: Any) -> str:
        return self._tokens.sign(self.claims(user_id, **claims))

    @staticmethod
    def claims(user_id: str, **claims: Any) -> dict[str, Any]:
        now = int(wiring.clock().now().timestamp())
        order = TokenOrder(user_id=user_id, claims=claims)
        return claims_of(order, issuer=ISSUER, audience=AUDIENCE, now=now)

    def course(self, **changes: Any) -> str:
        """A published course for 9.90 yuan and a year, put into the catalogue."""
        course = Course(
            course_id=f"c{new_id()}",
            company_id="1",
            name="Java 编程思想",
            charge=Charge.PAID,
            price_fen=Fen(990),
            valid_days=365,
            publish_status=PublishStatus.PUBLISHED,
        )
        course = replace(course, **changes)
        wiring.learning_store().put_course(course)
        return course.course_id

    def free_course(self) -> str:
        return self.course(charge=Charge.FREE, price_fen=None, valid_days=None)

    # -- the steps of a purchase

    def choose(self, student: Student, course_id: str) -> Answer:
        return self.client.post_json(f"/learning/choosecourse/{course_id}", {}, student.token)

    def pay_code(self, student: Student, choose_course_id: str, **more: object) -> Answer:
        wanted = {"outBusinessId": choose_course_id, "orderType": "60201", **more}
        return self.client.post_json("/orders/generatepaycode", wanted, student.token)

    def order(self, student: Student | None = None, **course: Any) -> Purchase:
        """A student has chosen a course and holds its payment code."""
        student = student or self.student()
        course_id = self.course(**course)
        choose_course_id = self.choose(student, course_id).ok()["id"]
        pay_code = self.pay_code(student, choose_course_id).ok()
        return Purchase(student, course_id, choose_course_id, pay_code)

    def opened(self, **course: Any) -> Purchase:
        """… and has opened it at Alipay."""
        purchase = self.order(**course)
        self.open(purchase)
        return purchase

    def paid(self, **course: Any) -> Purchase:
        """… and Alipay's notification of the payment has been taken."""
        purchase = self.opened(**course)
        assert self.notify(purchase).text == "success"
        return purchase

    def granted(self) -> Purchase:
        """… and the course is open."""
        purchase = self.paid()
        self.grant(purchase)
        return purchase

    def open(self, purchase: Purchase) -> Form:
        """Choose Alipay on the cashier page; the form that leads there."""
        seen = self.client.follow("GET", purchase.pay_code["payUrl"])
        cashier = read_page(purchase.pay_code["payUrl"], seen.text).form_with("payNo", "token")
        assert cashier is not None, seen.text
        fields = dict(cashier.filled({"channel": "603002"}))
        answer = self.client.post_form("/orders/requestpay", fields)
        form = read_page(cashier.action, answer.text).form_with("sign", "biz_content")
        assert form is not None, answer.text
        return form

    def notify_fields(
        self, purchase: Purchase, *, without: tuple[str, ...] = (), **changes: str
    ) -> dict[str, str]:
        """Alipay's signed notification of a payment that has just been made."""
        now = to_beijing_text(wiring.clock().now())
        fields = {
            "out_trade_no": purchase.pay_no,
            "total_amount": str(purchase.pay_code["totalPrice"]),
            "trade_no": new_id(),
            "notify_id": new_id(),
            "gmt_payment": now,
            "notify_time": now,
            **changes,
        }
        return self.alipay.notify_fields(without=without, **fields)

    def notify(
        self, purchase: Purchase, *, without: tuple[str, ...] = (), **changes: str
    ) -> Answer:
        fields = self.notify_fields(purchase, without=without, **changes)
        return self.send_notify(fields)

    def send_notify(self, fields: Mapping[str, str] | bytes) -> Answer:
        return self.client.post_form("/orders/receivenotify", fields)

    def grant(self, purchase: Purchase) -> None:
        """Step 9: the learning centre hears the message that waits in the outbox."""
        (message,) = self.messages_of(purchase)
        subscriber = PayResultSubscriber(OrderType.COURSE, Granting(wiring.learning_store()))
        body = message["body"]["S"].encode()
        delivery = Delivery(tag=1, message_id=message["message_id"]["S"], body=body)
        assert subscriber(delivery) == Ack()

    @staticmethod
    def let_expire(purchase: Purchase) -> None:
        """Put the end of an order and its attempt into the past."""
        store = wiring.order_store()
        order = store.order(OrderId(purchase.order_id))
        record = store.pay_record(PayNo(purchase.pay_no))
        assert order is not None
        assert record is not None
        past = wiring.clock().now() - timedelta(seconds=1)
        store.commit(
            Change(
                write_id=new_id(),
                orders=(replace(order, expires_at=past),),
                pay_records=(replace(record, expires_at=past),),
            )
        )

    def pay_at_alipay(self, purchase: Purchase) -> None:
        """The payer opens, logs in and pays; the notification of it gets lost."""
        self.platform.faults.add(
            Fault(on="notify", do="drop", times=99, out_trade_no=purchase.pay_no)
        )
        form = self.open(purchase)
        with httpx.Client(trust_env=False, follow_redirects=True) as browser:
            browser.post(form.action, data=dict(form.filled({}))).raise_for_status()
            control = f"{self._platform_url}/_control/trades/{purchase.pay_no}/pay"
            browser.post(control).raise_for_status()

    def sign(self, purpose: Purpose, pay_no: str, ahead: timedelta = timedelta(hours=1)) -> str:
        """A signature that only we can make."""
        return wiring.links().sign(purpose, PayNo(pay_no), wiring.clock().now() + ahead)

    # -- what is there

    def learn_status(self, purchase: Purchase) -> str:
        path = f"/learning/choosecourse/learnstatus/{purchase.goods_id}"
        return str(self.client.get(path, token=purchase.student.token).ok()["learnStatus"])

    def result(self, purchase: Purchase) -> dict[str, Any]:
        query = {"payNo": purchase.pay_no}
        return self.client.get("/orders/payresult", query, purchase.student.token).ok()

    def messages_of(self, purchase: Purchase) -> list[dict[str, Any]]:
        return self._of(purchase, "outbox", "event_key")

    def refunds_of(self, purchase: Purchase) -> list[dict[str, Any]]:
        return self._of(purchase, "refunds", "order_id")

    def notifies_of(self, purchase: Purchase) -> list[dict[str, Any]]:
        return [
            row for row in self.tables.rows("notify-log") if row["subject"]["S"] == purchase.pay_no
        ]

    def refused_notifies(self, text: str) -> list[dict[str, Any]]:
        """The evidence of refused notifications that have ``text`` in them."""
        rows = self.tables.rows("notify-log")
        refused = [row for row in rows if row["subject"]["S"].startswith("rejected#")]
        return [row for row in refused if text in row["body"]["S"]]

    def _of(self, purchase: Purchase, table: str, attribute: str) -> list[dict[str, Any]]:
        rows = self.tables.rows(table)
        return [row for row in rows if row[attribute]["S"].startswith(purchase.order_id)]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside changes nothing but the notify log, and asks no platform."""
        before, asked = self.tables.snapshot(), len(self._asked)
        yield
        assert self.tables.snapshot() == before
        assert self._asked[asked:] == []

    @contextmanager
    def asks_the_platform(self, times: int) -> Iterator[None]:
        asked = len(self._asked)
        yield
        assert len(self._asked) - asked == times


def new_id() -> str:
    """An id that nobody had before."""
    return uuid.uuid4().hex[:20]
