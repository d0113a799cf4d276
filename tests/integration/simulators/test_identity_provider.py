from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from infra.local.services.identity.app import create_app
from infra.local.services.identity.keys import KeyRing, read_key
from infra.local.services.web_server import WebServer

ISSUER = "http://identity.test"
AUDIENCE = "course-payments"


@pytest.fixture
def identity(keys_folder: Path) -> Iterator[str]:
    app = create_app(KeyRing(read_key(keys_folder)), issuer=ISSUER, audience=AUDIENCE)
    with WebServer(app) as server:
        yield server.url


def token(identity: str, **order: Any) -> str:
    answer = httpx.post(f"{identity}/token", json=order, trust_env=False).raise_for_status().json()
    assert answer["token_type"] == "Bearer"
    return str(answer["access_token"])


def claims(identity: str, access_token: str) -> dict[str, Any]:
    client = jwt.PyJWKClient(f"{identity}/.well-known/jwks.json")
    key = client.get_signing_key_from_jwt(access_token)
    return dict(
        jwt.decode(access_token, key, algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE)
    )


def token_on_the_page(identity: str, **query: str) -> str:
    page = httpx.get(f"{identity}/", params=query, trust_env=False).text
    return page.partition("readonly>")[2].partition("</textarea>")[0]


def test_a_token_carries_the_user_as_a_json_string(identity: str) -> None:
    said = claims(identity, token(identity, userId="52", name="学员", roles=["ops"]))
    assert isinstance(said["user_name"], str)
    assert "sub" not in said
    user = json.loads(said["user_name"])
    assert (user["id"], user["name"]) == ("52", "学员")
    assert set(user) == {"id", "username", "name", "nickname", "companyId", "utype"}
    assert said["roles"] == ["ops"]
    assert said["exp"] - said["iat"] == 7200


def test_a_plain_token_carries_the_user_in_sub(identity: str) -> None:
    said = claims(identity, token(identity, userId="52", form="plain", ttlSeconds=60))
    assert said["sub"] == "52"
    assert "user_name" not in said
    assert said["exp"] - said["iat"] == 60


def test_an_expired_token_can_be_ordered(identity: str) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        claims(identity, token(identity, userId="52", ttlSeconds=-60))


def test_any_claim_can_be_replaced_or_left_out(identity: str) -> None:
    with pytest.raises(jwt.InvalidIssuerError):
        claims(identity, token(identity, userId="52", claims={"iss": "http://other.test"}))
    with pytest.raises(jwt.MissingRequiredClaimError):
        claims(identity, token(identity, userId="52", claims={"aud": None}))


def test_a_new_key_signs_and_the_old_one_still_verifies(identity: str) -> None:
    before = token(identity, userId="52")
    kid = httpx.post(f"{identity}/_control/rotate", trust_env=False).json()["kid"]
    after = token(identity, userId="52")
    assert jwt.get_unverified_header(before)["kid"] != kid
    assert jwt.get_unverified_header(after)["kid"] == kid
    for access_token in (before, after):
        assert "user_name" in claims(identity, access_token)


def test_the_key_set_holds_public_keys_only(identity: str) -> None:
    key_set = httpx.get(f"{identity}/.well-known/jwks.json", trust_env=False).json()
    assert [set(key) for key in key_set["keys"]] == [{"alg", "e", "kid", "kty", "n", "use"}]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"userId":5}', '{"userId":"5","form":"odd"}'])
def test_a_malformed_order_is_400(identity: str, body: str) -> None:
    answer = httpx.post(f"{identity}/token", content=body, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_developer_gets_a_token_from_the_page(identity: str) -> None:
    said = claims(identity, token_on_the_page(identity, userId="52"))
    assert json.loads(said["user_name"])["id"] == "52"
    assert said["roles"] == []


def test_a_developer_chooses_the_roles_of_the_token(identity: str) -> None:
    shown = token_on_the_page(identity, userId="9001", roles="refund-operator, auditor")
    assert claims(identity, shown)["roles"] == ["refund-operator", "auditor"]


def test_the_result_page_shows_the_pay_number_escaped(identity: str) -> None:
    page = httpx.get(f"{identity}/result", params={"payNo": "<i>7"}, trust_env=False).text
    assert "&lt;i&gt;7" in page
    assert "App" in page
