"""The whole app on one shop of fakes: students and operators ask over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app import app
from chalicelib import wiring
from chalicelib.auth import User
from chalicelib.errors import Unauthenticated
from chalicelib.money import Fen
from chalicelib.orders.order_book import OrderBook
from chalicelib.orders.refunds.desk import RefundDesk
from chalicelib.orders.service import Offer
from chalicelib.settings import settings
from tests.integration.api.client import JSON, Client
from tests.unit.orders.shop import COURSE, STUDENT, Shop

OPERATOR = "operator-1"
SUPERVISOR = "operator-2"
APPROVAL_ABOVE = Fen(500)

Answered = tuple[int, dict[str, Any]]
"""Status and body."""


class KnownPeople:
    """A token is the name of its user; operators may refund."""

    def verify(self, token: str) -> User:
        if token.startswith("operator-"):
            return User(token, frozenset({settings().refund_role}))
        if token.startswith("student-"):
            return User(token, frozenset({"student"}))
        raise Unauthenticated


class Office:
    """Requests go through the gateway; every answer must be one that docs/api.yaml allows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = Shop()
        desk = RefundDesk(
            store=self.shop.store,
            clock=self.shop.clock,
            report=self.shop.reports.append,
            approval_above_fen=APPROVAL_ABOVE,
        )
        parts: dict[str, object] = {
            "orders": self.shop.service,
            "order_book": OrderBook(self.shop.store),
            "refund_desk": desk,
            "clock": self.shop.clock,
            "token_verifier": KnownPeople(),
        }
        for name, part in parts.items():
            monkeypatch.setattr(wiring, name, lambda part=part: part)
        self._client = Client(app, settings().h5_origin)

    def ask(
        self,
        method: str,
        path: str,
        value: object = None,
        *,
        token: str | None = STUDENT,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        answer = self._client.send(
            method,
            path.partition("?")[0],
            query=path.partition("?")[2],
            token=token,
            content_type=None if value is None else JSON,
            headers=headers,
            body=b"" if value is None else json.dumps(value).encode(),
        )
        return answer.status, answer.json()

    def get(self, path: str, token: str | None = STUDENT) -> Answered:
        return self.ask("GET", path, token=token)

    def ok(self, method: str, path: str, token: str = STUDENT) -> dict[str, Any]:
        status, body = self.ask(method, path, token=token)
        assert status == 200, body
        return body

    def refund(self, order_id: str, token: str = OPERATOR, **wish: object) -> Answered:
        wish = {"idempotencyKey": "k1", "reason": "学员申请", **wish}
        return self.ask("POST", f"/orders/{order_id}/refund", wish, token=token)

    def taken_in(self, order_id: str, **wish: object) -> dict[str, Any]:
        """A refund that must be accepted."""
        status, body = self.refund(order_id, **wish)
        assert status == 202, body
        return body

    def paid(self) -> Offer:
        """An order that its student has paid."""
        return self._paid(self.shop.offer(), "T1")

    def paid_again(self) -> Offer:
        """Another one, for another record."""
        record = "900000000000000002"
        self.shop.goods.put(replace(COURSE, out_business_id=record))
        return self._paid(self.shop.offer(record=record), "T2")

    def _paid(self, offer: Offer, trade_no: str) -> Offer:
        self.shop.open(offer.record.pay_no)
        self.shop.notified(offer.record.pay_no, self.shop.paid(trade_no=trade_no), trade_no)
        return offer


def refused(answered: Answered) -> tuple[int, str, str]:
    """Status, code and message of a refusal in our shape."""
    status, body = answered
    assert set(body) == {"errCode", "errMessage", "requestId"}
    return status, body["errCode"], body["errMessage"]
