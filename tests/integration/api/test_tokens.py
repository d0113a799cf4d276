"""Who is not logged in gets 401 in our shape, which a script of the H5 pages may read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest

from tests.builders import public_pem
from tests.integration.api.client import JSON, Client, assert_refused
from tests.integration.api.material_counter import Library
from tests.integration.api.shop import Purchase, Shop
from tests.unit.auth.issuer import raw_token, rsa_key

Forge = Callable[[Shop, str], str | None]


def _unsigned(shop: Shop, user_id: str) -> str:
    return raw_token({"alg": "none", "typ": "JWT", **_kid(shop)}, shop.claims(user_id))


def _hs256(secret: bytes) -> Forge:
    """Signed with a secret: with a public key as the secret, a careless verifier accepts it."""

    def forge(shop: Shop, user_id: str) -> str:
        text = raw_token({"alg": "HS256", **_kid(shop)}, shop.claims(user_id)).rpartition(".")[0]
        mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return forge


def _hs256_by_the_public_key(shop: Shop, user_id: str) -> str | None:
    return _hs256(public_pem(shop.signing_key).encode())(shop, user_id)


def _by_a_key_of_ones_own(shop: Shop, user_id: str) -> str:
    import jwt

    return jwt.encode(shop.claims(user_id), rsa_key("forger"), "RS256", headers=_kid(shop))


def _changed_after_signing(shop: Shop, user_id: str) -> str:
    header, _, signature = shop.token("somebody").split(".")
    claims = base64.urlsafe_b64encode(json.dumps(shop.claims(user_id)).encode())
    return f"{header}.{claims.rstrip(b'=').decode()}.{signature}"


BAD: dict[str, Forge] = {
    "no token": lambda shop, user_id: None,
    "not a token": lambda shop, user_id: "abc",
    "expired": lambda shop, user_id: shop.token(user_id, exp=int(time.time()) - 60),
    "without an end": lambda shop, user_id: shop.token(user_id, exp=None),
    "wrong issuer": lambda shop, user_id: shop.token(user_id, iss="https://evil.example"),
    "wrong audience": lambda shop, user_id: shop.token(user_id, aud="another-service"),
    "without an audience": lambda shop, user_id: shop.token(user_id, aud=None),
    "without a user": lambda shop, user_id: shop.token(user_id, user_name=None),
    "alg none": _unsigned,
    "HS256": _hs256(b"0" * 32),
    "HS256 by the public key": _hs256_by_the_public_key,
    "by a key of one's own": _by_a_key_of_ones_own,
    "changed after signing": _changed_after_signing,
}


@pytest.fixture(scope="module")
def purchase(shop: Shop) -> Purchase:
    return shop.order()


@pytest.fixture(scope="module")
def owned_material(shop: Shop, purchase: Purchase) -> Purchase:
    """Of the same student."""
    library = Library(shop)
    owned = library.order(purchase.student)
    shop.open(owned)
    shop.notify(owned)
    library.grant(owned)
    return owned


@pytest.mark.parametrize("forge", BAD.values(), ids=BAD)
def test_i8_a_bad_token_opens_no_route(
    shop: Shop, purchase: Purchase, owned_material: Purchase, forge: Forge
) -> None:
    token = forge(shop, purchase.student.user_id)
    wanted = {"outBusinessId": purchase.record_id, "orderType": "60201"}
    course, material = purchase.goods_id, owned_material.goods_id

    with shop.unchanged():
        answers = [
            shop.client.post_json(f"/learning/choosecourse/{course}", {}, token),
            shop.client.post_json(f"/learning/choosecourse/learnstatus/{course}", {}, token),
            shop.client.get(f"/learning/choosecourse/learnstatus/{course}", token=token),
            shop.client.get("/learning/mycoursetable", token=token),
            shop.client.post_json(f"/learning/learnrecord/{course}", {}, token),
            shop.client.post_json("/orders/generatepaycode", wanted, token),
            shop.client.post_json(f"/resources/choose/{material}", {}, token),
            shop.client.get("/resources", token=token),
            shop.client.get("/resources/mine", token=token),
            shop.client.get(f"/resources/{material}/download", token=token),
            shop.client.get("/orders/payresult", {"payNo": purchase.pay_no}, token),
        ]

    for answer in answers:
        assert_refused(answer, 401, "UNAUTHENTICATED", "登录")
        assert answer.headers["access-control-allow-origin"] == shop.client.h5_origin


@pytest.mark.parametrize("scheme", ["Basic", "", "Bearer Bearer", "JWT"])
def test_a_good_token_under_another_scheme_is_none(
    shop: Shop, purchase: Purchase, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {purchase.student.token}"}
    path = f"/learning/choosecourse/{purchase.goods_id}"

    with shop.unchanged():
        guarded = shop.client.send("POST", path, headers=headers, content_type=JSON)
        checked_inside = shop.client.send(
            "GET", "/orders/payresult", query={"payNo": purchase.pay_no}, headers=headers
        )

    assert_refused(guarded, 401, "UNAUTHENTICATED", "登录")
    assert_refused(checked_inside, 401, "UNAUTHENTICATED", "登录")


def test_a_bad_token_beside_the_links_signature_sees_no_more_than_the_link_shows(
    shop: Shop, purchase: Purchase
) -> None:
    query = {"payNo": purchase.pay_no, "sign": purchase.sign}

    answer = shop.client.get("/orders/payresult", query, "abc")

    assert answer.status == 200
    assert "userId" not in answer.json()


def test_the_same_requests_are_answered_with_a_good_token(
    shop: Shop, purchase: Purchase, owned_material: Purchase
) -> None:
    """Or else all of the above would hold for a service that refuses everybody."""
    with shop.unchanged():
        assert Library(shop).download(purchase.student, owned_material.goods_id).status == 200
        chosen = shop.choose(purchase.student, purchase.goods_id).ok()
        result = shop.result(purchase)

    assert chosen["userId"] == result["userId"] == purchase.student.user_id


def test_a_route_that_does_not_exist_is_refused_in_our_shape(client: Client) -> None:
    assert_refused(client.get("/nothing/at/all"), 404, "NOT_FOUND")


def _kid(shop: Shop) -> dict[str, str]:
    return {"kid": shop.key_id}
