"""The study materials as a seller: what may be charged for a choose-material record."""

from __future__ import annotations

from chalicelib.errors import NotForSale
from chalicelib.money import Fen
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from chalicelib.resources.model import ChooseMaterial, Material
from chalicelib.resources.ports import ResourcesStore
from chalicelib.selling.codes import ChooseStatus, ChooseType
from chalicelib.selling.terms import terms_of


class MaterialPurchasables:
    """Implements `chalicelib.purchasables.Purchasables` for order type 60202."""

    def __init__(self, store: ResourcesStore) -> None:
        self._store = store

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        """The record with today's title and price, bought for ever; None for other goods.

        A record that awaits payment is NOT_FOR_SALE while its material cannot be sold, and once
        its user owns the material by another record: nobody pays twice for what is for ever. While
        the material cannot be sold, the price is that of the record.
        """
        if order_type is not OrderType.STUDY_MATERIAL:
            return None
        record = self._store.choose_material(out_business_id)
        if record is None:
            return None
        material = self._store.material(record.material_id)
        price = _price_today(material)
        return Purchasable(
            out_business_id=record.choose_material_id,
            order_type=OrderType.STUDY_MATERIAL,
            owner_id=record.user_id,
            goods_id=record.material_id,
            title=record.material_name if material is None else material.name,
            price_fen=record.price_fen if price is None else price,
            valid_days=None,
            status=self._status(record, price),
        )

    def _status(self, record: ChooseMaterial, price: Fen | None) -> SaleStatus:
        match record.status:
            case ChooseStatus.CHOSEN:
                return SaleStatus.GRANTED
            case ChooseStatus.REFUNDED:
                return SaleStatus.TAKEN_BACK
            case ChooseStatus.AWAITING_PAYMENT:
                sold = price is not None and not self._owned_by_another_record(record)
                return SaleStatus.AWAITING_PAYMENT if sold else SaleStatus.NOT_FOR_SALE

    def _owned_by_another_record(self, record: ChooseMaterial) -> bool:
        owned = self._store.owned(record.user_id, record.material_id)
        if owned is None or owned.has_grant(record.choose_material_id):
            # its own grant came after the record was read: say what was true at that moment
            return False
        return owned.opening is not None


def _price_today(material: Material | None) -> Fen | None:
    """None when nothing can be charged for the material today."""
    if material is None:
        return None
    try:
        terms = terms_of(material, called="资料")
    except NotForSale:
        return None
    return terms.price_fen if terms.choose_type is ChooseType.PAID else None
