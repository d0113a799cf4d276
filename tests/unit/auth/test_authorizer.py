"""The gateway's authorizer, and what a view learns from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chalice.app import Blueprint, Chalice, ChaliceAuthorizer
from chalice.test import Client

from chalicelib.auth import TokenVerifier, User, bearer_token, is_user_id
from chalicelib.authorizer import authorizer_with, bearer_user, caller
from chalicelib.authorizer import identity as wired_identity
from chalicelib.errors import Forbidden, Unauthenticated, Unavailable
from chalicelib.http import Api
from tests.unit.auth.issuer import Issuer, published, rsa_key, token, verifier_of


class Known:
    """Knows two tokens, and is out of order for a third."""

    def verify(self, token: str) -> User:
        if token == "unknowable":
            raise Unavailable
        users = {"good": User("张三"), "chief": User("7", frozenset({"operator", "super admin"}))}
        if token not in users:
            raise Unauthenticated(detail="not known")
        return users[token]


def _app(verifier: Callable[[], TokenVerifier] = Known) -> Chalice:
    blueprint, guard = authorizer_with(verifier)
    app = Chalice("guarded")
    app.register_blueprint(blueprint)
    app.register_blueprint(_views(verifier, guard))
    return app


def _views(verifier: Callable[[], TokenVerifier], guard: ChaliceAuthorizer) -> Blueprint:
    api = Api(__name__)

    @api.route("/me", authorizer=guard)
    def me() -> dict[str, Any]:
        user = caller(api.current_request)
        return {"userId": user.user_id, "roles": sorted(user.roles)}

    @api.route("/operators", authorizer=guard)
    def operators() -> dict[str, Any]:
        if "operator" not in caller(api.current_request).roles:
            raise Forbidden
        return {}

    @api.route("/unguarded")
    def unguarded() -> dict[str, Any]:
        return {"userId": caller(api.current_request).user_id}

    @api.route("/optional")
    def optional() -> dict[str, Any]:
        user = bearer_user(api.current_request, verifier)
        return {"userId": user.user_id if user else None}

    return api


def _get(app: Chalice, path: str, authorization: str | None = None) -> tuple[int, Any]:
    headers = {} if authorization is None else {"Authorization": authorization}
    with Client(app) as client:
        answer = client.http.get(path, headers=headers)
    return answer.status_code, answer.json_body


def test_a_view_behind_the_authorizer_learns_who_calls() -> None:
    assert _get(_app(), "/me", "Bearer good") == (200, {"userId": "张三", "roles": []})


def test_roles_reach_the_view_as_they_are() -> None:
    status, body = _get(_app(), "/me", "bearer chief")
    assert (status, body["roles"]) == (200, ["operator", "super admin"])
    assert _get(_app(), "/operators", "Bearer chief") == (200, {})


def test_a_valid_token_without_the_role_is_forbidden() -> None:
    status, body = _get(_app(), "/operators", "Bearer good")
    assert (status, body["errCode"]) == (403, "FORBIDDEN")


def test_no_token_is_unauthorized_before_the_view() -> None:
    assert _get(_app(), "/me") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("header", ["Bearer bad", "Bearer", "", "Basic good", "good", "Bearer a b"])
def test_a_bad_token_fails_with_the_word_that_the_gateway_maps_to_401(header: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as refused:
        _get(_app(), "/me", header)
    assert type(refused.value) is Exception


def test_a_token_that_cannot_be_judged_is_no_401() -> None:
    with pytest.raises(Unavailable):
        _get(_app(), "/me", "Bearer unknowable")


def test_a_real_token_passes_from_end_to_end() -> None:
    verifier = verifier_of(Issuer(published(rsa_key("k1"), "k1")))
    app = _app(lambda: verifier)
    text = token(user_name='{"id": 52, "username": "t1", "companyId": 1}', roles="operator")
    assert _get(app, "/me", f"Bearer {text}") == (200, {"userId": "52", "roles": ["operator"]})
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        _get(app, "/me", f"Bearer {token(exp=1)}")


def test_the_leave_covers_every_route_and_its_context_is_plain_text() -> None:
    _, guard = authorizer_with(Known)
    arn = "arn:aws:execute-api:ap-southeast-1:1:api/stage/GET/me"
    event = {"type": "TOKEN", "authorizationToken": "Bearer chief", "methodArn": arn}
    leave = guard(event, {})
    assert leave["principalId"] == "7"
    assert all(isinstance(value, str) for value in leave["context"].values())
    (statement,) = leave["policyDocument"]["Statement"]
    assert statement["Resource"] == ["arn:aws:execute-api:ap-southeast-1:1:api/stage/*/*"]


def test_the_authorizer_is_a_function_of_its_own_with_a_minute_to_live() -> None:
    app = Chalice("configured")
    app.register_blueprint(wired_identity)
    (config,) = app.builtin_auth_handlers
    assert (config.name, config.ttl_seconds) == ("jwt_authorizer", 60)
    assert config.handler_string == "chalicelib.authorizer.jwt_authorizer"


def test_a_view_that_nothing_guards_knows_no_caller() -> None:
    status, body = _get(_app(), "/unguarded", "Bearer good")
    assert (status, body["errCode"]) == (401, "UNAUTHENTICATED")


def test_a_route_may_take_a_token_or_none() -> None:
    assert _get(_app(), "/optional") == (200, {"userId": None})
    assert _get(_app(), "/optional", "Bearer good") == (200, {"userId": "张三"})
    status, body = _get(_app(), "/optional", "Bearer bad")
    assert (status, body["errCode"]) == (401, "UNAUTHENTICATED")
    status, body = _get(_app(), "/optional", "Bearer unknowable")
    assert (status, body["errCode"]) == (503, "UNAVAILABLE")


def test_a_route_without_a_token_does_not_make_the_verifier() -> None:
    def unwanted() -> TokenVerifier:
        raise AssertionError("made for nothing")

    assert _get(_app(unwanted), "/optional") == (200, {"userId": None})


def test_the_scheme_is_read_in_any_case_and_with_any_space() -> None:
    assert bearer_token("  BEARER   abc ") == "abc"


def test_user_ids_are_what_a_key_can_hold() -> None:
    assert is_user_id("52")
    assert not is_user_id("")
    assert not is_user_id("a#b")
