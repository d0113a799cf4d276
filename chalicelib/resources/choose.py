"""Choosing a material (选购): one click or many, one record, and bought once for ever.

Which record a click gets:

* the user owns the material: the record behind the grant that opened it, also when it is offline;
* a record awaits payment: that one, with today's terms (an order freezes its own);
* otherwise a new one: free materials are granted in the same transaction, paid ones await payment.

A decision is written on condition of everything that it rests on: the version of the owned row,
and the guard that allows one pending record per user and material. Whoever loses reads again.

A material may turn free while a record awaits payment. The click then gets the free grant, and
the pending record stays as it is: nothing of it can be paid any more
(`chalicelib.resources.sale`), but who had opened the platform's page already may still pay there.
Such a payment is granted beside the free grant, and can be refunded without closing that one. The
guard goes when the payment or its refund is heard; until then it keeps nothing from anybody,
because the owned row answers first.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from chalicelib.clock import Clock
from chalicelib.errors import GoodsBeingOpened, NotFound, StaleWrite, Unavailable
from chalicelib.optimistic import until_written
from chalicelib.purchasables import Purchases, PurchaseState
from chalicelib.resources.model import ChooseMaterial, Material, MaterialGrant, OwnedMaterial
from chalicelib.resources.ports import Numbers, ResourcesChange, ResourcesStore
from chalicelib.selling.codes import ChooseStatus, ChooseType
from chalicelib.selling.terms import Terms, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMaterial:
    """A choose-material record; ``owned``: its user can download the material now (已购买)."""

    record: ChooseMaterial
    owned: bool


class MaterialChoosing:
    """Decides what a click on "get this material" means."""

    def __init__(
        self, *, store: ResourcesStore, purchases: Purchases, numbers: Numbers, clock: Clock
    ) -> None:
        self._store = store
        self._purchases = purchases
        self._numbers = numbers
        self._clock = clock

    def choose(self, user_id: str, material_id: str) -> ChosenMaterial:
        """The record that serves this user for this material; one transaction at most.

        Safe to repeat, and to be called many times at once: there is one pending record and one
        that is owned. After a refund there is a new one.

        Raises
        ------
        NotFound
            There is no such material.
        NotForSale
            The material cannot be chosen now; the message says why.
        GoodsBeingOpened
            It is paid for already, and the grant is on its way.
        """
        return until_written(lambda: self._choose(user_id, material_id))

    def _choose(self, user_id: str, material_id: str) -> ChosenMaterial:
        material = self._store.material(material_id)
        if material is None:
            raise NotFound("资料不存在", detail=f"material {material_id[:80]!r}")
        owned = self._store.owned(user_id, material_id)
        owned = owned or OwnedMaterial(user_id=user_id, material_id=material_id)
        if owned.opening is not None:
            return ChosenMaterial(record=self._record_behind(owned.opening), owned=True)
        pending = self._store.pending(user_id, material_id)
        if pending is not None:
            self._require_unpaid(pending)
        terms = terms_of(material, called="资料")
        if terms.choose_type is ChooseType.FREE:
            return self._grant_free(material, terms, owned)
        if pending is not None:
            return ChosenMaterial(record=self._repriced(pending, material, terms), owned=False)
        return self._await_payment(material, terms, owned)

    def _record_behind(self, grant: MaterialGrant) -> ChooseMaterial:
        record = self._store.choose_material(grant.choose_material_id)
        if record is None:
            raise Unavailable(detail=f"a grant without its record: {grant}")
        if record.status is ChooseStatus.REFUNDED:
            raise StaleWrite(detail=f"{grant.choose_material_id} was refunded between two reads")
        return record

    def _require_unpaid(self, pending: ChooseMaterial) -> None:
        if self._purchases.state_of(pending.choose_material_id) is PurchaseState.PAID:
            raise GoodsBeingOpened(detail=f"choose-material record {pending.choose_material_id}")

    def _grant_free(self, material: Material, terms: Terms, owned: OwnedMaterial) -> ChosenMaterial:
        new = self._new_record(material, terms, owned.user_id)
        record = new.chosen(new.created_at)
        self._store.commit(
            ResourcesChange(
                write_id=secrets.token_hex(8),
                choose_material=record,
                owned=owned.with_grant(record.grant()),
            )
        )
        return ChosenMaterial(record=record, owned=True)

    def _await_payment(
        self, material: Material, terms: Terms, owned: OwnedMaterial
    ) -> ChosenMaterial:
        record = self._new_record(material, terms, owned.user_id)
        self._store.commit(
            ResourcesChange(
                write_id=secrets.token_hex(8),
                choose_material=record,
                open_pending=True,
                while_owned_version=owned.version,
            )
        )
        return ChosenMaterial(record=record, owned=False)

    def _repriced(
        self, pending: ChooseMaterial, material: Material, terms: Terms
    ) -> ChooseMaterial:
        """The pending record with today's terms, stored when they changed."""
        today = replace(
            pending,
            material_name=material.name,
            company_id=material.company_id,
            price_fen=terms.price_fen,
        )
        if today != pending:
            self._store.commit(
                ResourcesChange(write_id=secrets.token_hex(8), choose_material=today)
            )
        return today

    def _new_record(self, material: Material, terms: Terms, user_id: str) -> ChooseMaterial:
        return ChooseMaterial(
            choose_material_id=self._numbers.next_number(),
            user_id=user_id,
            material_id=material.material_id,
            material_name=material.name,
            company_id=material.company_id,
            choose_type=terms.choose_type,
            price_fen=terms.price_fen,
            status=ChooseStatus.AWAITING_PAYMENT,
            created_at=self._clock.now(),
        )
