"""Requests that docs/api.yaml allows, and requests that it forbids, against the served app.

Whatever is asked: no fault of ours, and no answer that the document does not have. Most requests
name numbers that exist and come from somebody who may use them, so that they get past the first
refusal. What is asked is derived from the document alone, the same at each run.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.config import SchemathesisConfig

from app import app
from chalicelib.settings import settings as of_deployment
from infra.local.aws.api_gateway import ApiGateway
from infra.local.aws.gateway import GatewayServer
from tests.api_contract import assert_documented, document
from tests.integration.api.material_counter import Library
from tests.integration.api.my_orders import operator, refund
from tests.integration.api.shop import Purchase, Shop
from tests.unit.api.reading import operations

REQUESTS = 60
"""Of each operation and kind."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = openapi.from_dict(
    document(),
    # tokens and signatures are ours: what is made up for them never gets past them
    config=SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}}),
)
MATERIAL = {"orderType": "60202"}
BROWSERS = ["Mozilla/5.0 (iPhone) MicroMessenger/8.0", "Mozilla/5.0 (iPhone)", "curl/8"]


def kinds() -> Iterator[tuple[str, str, GenerationMode]]:
    for (method, path), described in operations():
        yield method, path, GenerationMode.POSITIVE
        takes = {**document()["paths"][path], **described}
        if "parameters" in takes or "requestBody" in takes:
            yield method, path, GenerationMode.NEGATIVE


Known = dict[str, str]
"""Parameters and fields by their names, all of one purchase that exists."""

Owned = tuple[Known, str]
"""With the token of its owner."""


@dataclass(frozen=True)
class World:
    """Where the app is served, what exists there, and the token of each kind of caller."""

    url: str
    session: requests.Session
    existing: tuple[Owned, ...]
    operator: str
    stranger: str

    def token(self, who: str, owner: str) -> str | None:
        tokens = {"owner": owner, "operator": self.operator, "stranger": self.stranger}
        return {**tokens, "forger": "no.such.token"}.get(who)


ANYBODY = ["owner", "operator", "stranger", "forger", "nobody"]


def known_of(shop: Shop, purchase: Purchase, **more: str) -> Known:
    return {
        "courseId": purchase.goods_id,
        "materialId": purchase.goods_id,
        "orderId": purchase.order_id,
        "outBusinessId": purchase.record_id,
        "payNo": purchase.pay_no,
        "sign": purchase.sign,
        "token": shop.sign("open", purchase.pay_no),
        **more,
    }


def owned(shop: Shop, purchase: Purchase, **more: str) -> Owned:
    return known_of(shop, purchase, **more), purchase.student.token


def unpaid(shop: Shop) -> list[Owned]:
    """Some that other operations have not closed or paid yet."""
    courses = [owned(shop, purchase) for purchase in (shop.order(), shop.opened())]
    return [*courses, owned(shop, Library(shop).order(), **MATERIAL)]


def refunded(shop: Shop, purchase: Purchase, fen: int) -> Owned:
    """A purchase that somebody has asked to refund."""
    assert shop.notify(purchase).text == "success"
    taken = refund(shop, purchase, operator(shop), refundFen=fen)
    assert taken.status == 202
    return owned(shop, purchase, refundNo=taken.json()["refundNo"])


@pytest.fixture(scope="module")
def world(shop: Shop) -> Iterator[World]:
    existing = [owned(shop, purchase) for purchase in (shop.paid(), shop.granted())]
    existing.append(refunded(shop, shop.opened(), 100))
    existing += [refunded(shop, shop.opened(price_fen=200_000), 150_000) for _ in range(3)]
    library = Library(shop)
    existing += [owned(shop, library.paid(), **MATERIAL), owned(shop, library.owned(), **MATERIAL)]
    server = GatewayServer(ApiGateway(app, h5_origin=of_deployment().h5_origin))
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    with requests.Session() as session:
        session.trust_env = False
        yield World(
            url=server.url,
            session=session,
            existing=tuple(existing),
            operator=operator(shop).token,
            stranger=shop.student().token,
        )
    server.stop()


def naming(case: Case, known: Known) -> None:
    """Put numbers that exist where the case has made some up."""
    if case.path_parameters:
        case.path_parameters = {**case.path_parameters, **_of(known, case.path_parameters)}
    # the signature belongs to the number, and is no parameter of the operation
    signed = {"payNo", "sign"} if "payNo" in (case.query or {}) else set()
    case.query = {**(case.query or {}), **_of(known, signed)}
    if isinstance(case.body, dict):
        case.body = {**case.body, **_of(known, case.body)}


def _of(known: Known, names: Any) -> Known:
    return {name: value for name, value in known.items() if name in names}


@pytest.mark.parametrize(("method", "path", "mode"), list(kinds()))
def test_every_answer_is_one_of_the_document(
    shop: Shop, world: World, method: str, path: str, mode: GenerationMode
) -> None:
    usual = "operator" if "/refund" in path else "owner"

    @settings(
        max_examples=REQUESTS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=SCHEMA[path][method].as_strategy(generation_mode=mode),
        some=st.sampled_from((*unpaid(shop), *world.existing)),
        names_it=st.sampled_from([True, True, False]),
        who=st.sampled_from([usual, usual, usual, *ANYBODY]),
        browser=st.sampled_from(BROWSERS),
    )
    def conforms(case: Case, some: Owned, names_it: bool, who: str, browser: str) -> None:
        known, owner = some
        if names_it:
            naming(case, known)
        headers = {"User-Agent": browser}
        token = world.token(who, owner)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = case.call(
            base_url=world.url, session=world.session, headers=headers, allow_redirects=False
        )
        case.validate_response(answer, checks=CHECKS)
        seen = {name: values[0] for name, values in answer.headers.items()}
        assert_documented(method, path, answer.status_code, seen, answer.content)

    conforms()
