"""Study materials in front of the real app, engine and S3, beside the courses of `Shop`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import httpx

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.mq.delivery import Ack, Delivery, Handler
from chalicelib.purchasables import OrderType
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import Material, MaterialFile
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import Charge, PublishStatus
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.settings import settings
from tests.integration.api.client import Answer
from tests.integration.api.my_orders import operator, refund
from tests.integration.api.shop import Purchase, Shop, Student, new_id

TITLE = "对账手册（第二版）"
FILE_NAME = "对账手册.md"


class Library:
    """What a test does with study materials; ids are new each time, so tests share the tables."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    # -- goods

    def material(self, **changes: Any) -> str:
        """A published material for 9.90 yuan with its file, put into catalogue and S3."""
        material_id = f"m{new_id()}"
        content = self.content_of(material_id)
        sha256 = hashlib.sha256(content).hexdigest()
        file = MaterialFile(
            key=f"{settings().materials_prefix}{material_id}/{sha256}.md",
            name=FILE_NAME,
            media_type="text/markdown; charset=utf-8",
            size_bytes=len(content),
            sha256=sha256,
        )
        wiring.material_files().put(file.key, content, file.media_type)
        material = Material(
            material_id=material_id,
            company_id="22",
            name=TITLE,
            charge=Charge.PAID,
            price_fen=Fen(990),
            publish_status=PublishStatus.PUBLISHED,
            file=file,
        )
        wiring.resources_store().put_material(replace(material, **changes))
        return material_id

    def free_material(self) -> str:
        return self.material(charge=Charge.FREE, price_fen=None)

    @staticmethod
    def content_of(material_id: str) -> bytes:
        return f"# {TITLE}\n\n{material_id}\n".encode() * 50

    @staticmethod
    def change(material_id: str, **changes: Any) -> None:
        """The catalogue is another one from now on."""
        material = wiring.resources_store().material(material_id)
        assert material is not None
        wiring.resources_store().put_material(replace(material, **changes))

    # -- the steps of a purchase

    def choose(self, student: Student, material_id: str, body: object = None) -> Answer:
        path = f"/resources/choose/{material_id}"
        return self.shop.client.post_json(path, body or {}, student.token)

    def pay_code(self, student: Student, record_id: str, **more: object) -> Answer:
        return self.shop.pay_code(student, record_id, **{"orderType": "60202", **more})

    def order(self, student: Student | None = None, **material: Any) -> Purchase:
        """A student has chosen a material and holds its payment code."""
        student = student or self.shop.student()
        material_id = self.material(**material)
        record_id = self.choose(student, material_id).ok()["id"]
        return Purchase(student, material_id, record_id, self.pay_code(student, record_id).ok())

    def paid(self, **material: Any) -> Purchase:
        """… has paid it at Alipay, whose notification was taken."""
        purchase = self.order(**material)
        self.shop.open(purchase)
        assert self.shop.notify(purchase).text == "success"
        return purchase

    def owned(self, **material: Any) -> Purchase:
        """… and can download it."""
        purchase = self.paid(**material)
        self.grant(purchase)
        return purchase

    # -- step 9, and back

    def grant(self, purchase: Purchase) -> None:
        """The study materials hear the payment that waits in the outbox."""
        granting = MaterialGranting(wiring.resources_store())
        self._hear(purchase, "paid", PayResultSubscriber(OrderType.STUDY_MATERIAL, granting))

    def refund(self, purchase: Purchase) -> None:
        """An operator pays all of it back."""
        assert refund(self.shop, purchase, operator(self.shop)).status == 202
        wiring.refund_sender().run(Deadline.after(20))

    def revoke(self, purchase: Purchase) -> None:
        """The study materials hear the refund that waits in the outbox."""
        revoking = MaterialRevoking(wiring.resources_store())
        self._hear(purchase, "refund", RefundResultSubscriber(OrderType.STUDY_MATERIAL, revoking))

    def _hear(self, purchase: Purchase, event: str, handler: Handler) -> None:
        rows = self.shop.messages_of(purchase)
        (row,) = [row for row in rows if row["event_key"]["S"].split("#")[1] == event]
        body = row["body"]["S"].encode()
        delivery = Delivery(tag=1, message_id=row["message_id"]["S"], body=body)
        assert handler(delivery) == Ack()

    # -- what is there

    def shelf(self, student: Student, **query: str) -> dict[str, Any]:
        return self.shop.client.get("/resources", query, student.token).ok()

    def mine(self, student: Student) -> list[str]:
        items = self.shop.client.get("/resources/mine", token=student.token).ok()["items"]
        return [item["materialId"] for item in items]

    def download(self, student: Student, material_id: str) -> Answer:
        return self.shop.client.get(f"/resources/{material_id}/download", token=student.token)

    @staticmethod
    def fetched(link: str) -> httpx.Response:
        """What S3 answers to a browser that opens a link; nothing of ours goes along."""
        with httpx.Client(trust_env=False) as browser:
            return browser.get(link)
