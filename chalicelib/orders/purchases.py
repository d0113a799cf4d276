"""How far a purchase is, for the services that sell through orders."""

from __future__ import annotations

from chalicelib.orders.model import OrderStatus
from chalicelib.orders.ports import OrderStore
from chalicelib.purchasables import PurchaseState


class OrderPurchases:
    """`chalicelib.purchasables.Purchases` over the order store."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def state_of(self, out_business_id: str) -> PurchaseState:
        """PAID from the transaction that settled the payment until its money is back."""
        order_id = self._store.guarded_order_id(out_business_id)
        order = self._store.order(order_id) if order_id is not None else None
        paid = order is not None and order.status in (OrderStatus.PAID, OrderStatus.COMPLETED)
        return PurchaseState.PAID if paid else PurchaseState.NOT_PAID
