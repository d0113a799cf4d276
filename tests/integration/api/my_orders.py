"""What students and operators ask about orders, in front of the real app."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from chalicelib.settings import settings
from tests.integration.api.client import Answer
from tests.integration.api.shop import Purchase, Shop, Student


def operator(shop: Shop) -> Student:
    """Somebody who may refund."""
    user_id = f"op{uuid.uuid4().hex[:12]}"
    return Student(user_id, shop.token(user_id, roles=[settings().refund_role]))


def show(shop: Shop, purchase: Purchase) -> dict[str, Any]:
    """One order, as its owner sees it."""
    return shop.client.get(f"/orders/{purchase.order_id}", token=purchase.student.token).ok()


def cancel(shop: Shop, purchase: Purchase) -> Answer:
    """Its owner cancels it."""
    path = f"/orders/{purchase.order_id}/cancel"
    return shop.client.send("POST", path, token=purchase.student.token)


def refund(shop: Shop, purchase: Purchase, by: Student, **wish: object) -> Answer:
    """An operator asks for a refund; of everything unless ``wish`` says how much."""
    wish = {"idempotencyKey": "k1", "reason": "学员申请", **wish}
    return shop.client.post_json(f"/orders/{purchase.order_id}/refund", wish, by.token)


def decide(shop: Shop, refunded: dict[str, Any], verb: str, by: Student) -> Answer:
    """An operator approves or rejects."""
    path = f"/orders/{refunded['orderId']}/refunds/{refunded['refundNo']}/{verb}"
    return shop.client.send("POST", path, token=by.token)


def pages(shop: Shop, student: Student, **query: str) -> Iterator[list[dict[str, Any]]]:
    """The pages of a student's orders, one after the other to the end."""
    token = ""
    while True:
        asked = {**query, "pageToken": token}
        page = shop.client.get("/orders", asked, student.token).ok()
        yield page["items"]
        token = page["nextPageToken"]
        if token is None:
            return
