"""Materials, records and messages with sensible values; a test names only what it is about."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.money import NO_MONEY, Fen
from chalicelib.mq.message import PayResult
from chalicelib.mq.refund_message import RefundResult
from chalicelib.purchasables import OrderType
from chalicelib.resources.choose import ChosenMaterial, MaterialChoosing
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.model import (
    ChooseMaterial,
    Material,
    MaterialFile,
    MaterialGrant,
    OwnedMaterial,
)
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus
from chalicelib.selling.outcomes import GrantOutcome, RevokeOutcome
from tests.fakes.clock import START, FakeClock
from tests.fakes.learning import FakePurchases
from tests.fakes.numbers import FakeNumbers
from tests.fakes.resources import FakeResourcesStore

STUDENT = "student-1"
NAME = "支付接入讲义"


def a_material(
    material_id: str = "3002",
    *,
    charge: Charge | None = Charge.PAID,
    price_fen: int | None = 990,
    publish_status: PublishStatus = PublishStatus.PUBLISHED,
    name: str = NAME,
    sha256: str = "ab" * 32,
) -> Material:
    return Material(
        material_id=material_id,
        company_id="22",
        name=name,
        charge=charge,
        price_fen=None if price_fen is None else Fen(price_fen),
        publish_status=publish_status,
        file=MaterialFile(
            key=f"materials/{material_id}/{sha256}",
            name=f"{name}.pdf",
            media_type="application/pdf",
            size_bytes=48_128,
            sha256=sha256,
        ),
    )


def a_free_material(material_id: str = "3001") -> Material:
    return a_material(material_id, charge=Charge.FREE, price_fen=None)


def a_pending_record(
    choose_material_id: str = "500", *, user_id: str = STUDENT, material_id: str = "3002"
) -> ChooseMaterial:
    return ChooseMaterial(
        choose_material_id=choose_material_id,
        user_id=user_id,
        material_id=material_id,
        material_name=NAME,
        company_id="22",
        choose_type=ChooseType.PAID,
        price_fen=Fen(990),
        status=ChooseStatus.AWAITING_PAYMENT,
        created_at=START,
    )


def a_free_record(choose_material_id: str = "600", *, material_id: str = "3002") -> ChooseMaterial:
    return ChooseMaterial(
        choose_material_id=choose_material_id,
        user_id=STUDENT,
        material_id=material_id,
        material_name=NAME,
        company_id="22",
        choose_type=ChooseType.FREE,
        price_fen=NO_MONEY,
        status=ChooseStatus.CHOSEN,
        created_at=START,
        paid_at=START,
    )


def a_grant(
    choose_material_id: str = "500",
    *,
    paid_at: datetime = START,
    choose_type: ChooseType = ChooseType.PAID,
    revoked: bool = False,
) -> MaterialGrant:
    return MaterialGrant(
        choose_material_id=choose_material_id,
        paid_at=paid_at,
        choose_type=choose_type,
        revoked=revoked,
    )


def an_owned(
    *grants: MaterialGrant, user_id: str = STUDENT, material_id: str = "3002"
) -> OwnedMaterial:
    owned = OwnedMaterial(user_id=user_id, material_id=material_id)
    for grant in grants:
        owned = owned.with_grant(grant)
    return owned


def a_pay_result(
    out_business_id: str,
    *,
    paid_at: datetime = START,
    valid_days: int | None = None,
    order_type: str = OrderType.STUDY_MATERIAL,
) -> PayResult:
    return PayResult(
        message_id="9001",
        out_business_id=out_business_id,
        order_type=order_type,
        order_id="8001",
        paid_at=paid_at,
        valid_days=valid_days,
    )


def a_refund_result(
    out_business_id: str,
    *,
    refund_no: str = "7001",
    refunded_at: datetime = START + timedelta(days=1),
    order_type: str = OrderType.STUDY_MATERIAL,
) -> RefundResult:
    return RefundResult(
        message_id=refund_no,
        out_business_id=out_business_id,
        order_type=order_type,
        order_id="8001",
        refund_no=refund_no,
        refund_fen=Fen(990),
        refunded_at=refunded_at,
    )


class Library:
    """Study materials on fakes, with their catalogue."""

    def __init__(self, *materials: Material, store: FakeResourcesStore | None = None) -> None:
        self.clock = FakeClock()
        self.store = store or FakeResourcesStore()
        self.purchases = FakePurchases()
        self.choosing = MaterialChoosing(
            store=self.store, purchases=self.purchases, numbers=FakeNumbers(), clock=self.clock
        )
        for material in materials:
            self.store.put_material(material)

    def choose(self, material_id: str = "3002", user_id: str = STUDENT) -> ChosenMaterial:
        return self.choosing.choose(user_id, material_id)

    def chosen_id(self, material_id: str = "3002") -> str:
        return self.choose(material_id).record.choose_material_id

    def pay(self, choose_material_id: str) -> GrantOutcome:
        paid = a_pay_result(choose_material_id, paid_at=self.clock.now())
        return MaterialGranting(self.store).grant(paid)

    def refund(self, choose_material_id: str) -> RevokeOutcome:
        refund = a_refund_result(choose_material_id, refunded_at=self.clock.now())
        return MaterialRevoking(self.store).revoke(refund)

    def owned(self, material_id: str = "3002") -> OwnedMaterial:
        owned = self.store.owned(STUDENT, material_id)
        assert owned is not None, f"nothing was ever granted of {material_id}"
        return owned
