"""All sellers as the order service sees them: one that knows whose goods are asked for."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.purchasables import OrderType, Purchasable, Purchasables


class Sellers:
    """Implements `chalicelib.purchasables.Purchasables` for the goods of every seller."""

    def __init__(self, sellers: Mapping[OrderType, Purchasables]) -> None:
        self._sellers = sellers

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        """What the seller of ``order_type`` offers; None also when nobody sells such goods."""
        seller = self._sellers.get(order_type)
        return None if seller is None else seller.get(out_business_id, order_type)
