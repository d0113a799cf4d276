from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.services.identity.codes import LIFETIME_SECONDS
from tests.integration.simulators.identity.h5_client import (
    AUDIENCE,
    CLIENT_ID,
    ORIGIN,
    REDIRECT_URI,
    VERIFIER,
    H5Client,
    Ticks,
)


def test_a_code_becomes_an_access_token_of_the_platform_and_an_id_token(h5: H5Client) -> None:
    tokens = h5.tokens({"person": "1001"})
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == (
        "Bearer",
        7200,
        "openid",
    )
    access = h5.claims(tokens["access_token"], AUDIENCE)
    user = json.loads(access["user_name"])
    assert (user["id"], user["name"]) == ("1001", "小明")
    said = h5.claims(tokens["id_token"], CLIENT_ID)
    assert (said["sub"], said["nonce"], said["name"]) == ("1001", "n0nce", "小明")
    assert "roles" not in said


def test_an_operator_has_the_role(h5: H5Client) -> None:
    tokens = h5.tokens({"person": "9001"})
    assert h5.claims(tokens["access_token"], AUDIENCE)["roles"] == ["refund-operator"]


def test_anybody_can_be_typed_in_with_roles_and_a_form(h5: H5Client) -> None:
    tokens = h5.tokens({"userId": " 77 ", "roles": "a, b", "form": "plain"})
    access = h5.claims(tokens["access_token"], AUDIENCE)
    assert (access["sub"], access["roles"]) == ("77", ["a", "b"])
    assert "user_name" not in access


def test_an_id_token_has_no_nonce_when_none_was_sent(h5: H5Client) -> None:
    tokens = h5.tokens(nonce=None)
    assert "nonce" not in h5.claims(tokens["id_token"], CLIENT_ID)


def test_scripts_of_the_h5_may_read_the_answer_and_nobody_keeps_it(h5: H5Client) -> None:
    for answer in (h5.exchange(h5.code()), h5.exchange("no code")):
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_is_exchanged_once(h5: H5Client) -> None:
    code = h5.code()
    assert h5.exchange(code).status_code == 200
    answer = h5.exchange(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_of_many_at_once_one_gets_the_tokens(h5: H5Client) -> None:
    code = h5.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: h5.exchange(code).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


@pytest.mark.parametrize(("seconds", "status"), [(-0.1, 200), (0, 400)])
def test_a_code_lives_a_minute(h5: H5Client, ticks: Ticks, seconds: float, status: int) -> None:
    code = h5.code()
    ticks.now += LIFETIME_SECONDS + seconds
    assert LIFETIME_SECONDS == 60
    assert h5.exchange(code).status_code == status


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": VERIFIER[:-1] + "x"},
        {"code_verifier": "short"},
        {"code_verifier": VERIFIER * 3},
        {"code_verifier": "é" * 43},
        {"redirect_uri": f"{REDIRECT_URI}?"},
    ],
)
def test_a_code_is_of_no_use_to_whoever_did_not_begin_and_is_gone_then(
    h5: H5Client, changed: dict[str, str | None]
) -> None:
    code = h5.code()
    answer = h5.exchange(code, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert h5.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"code": None}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"code_verifier": None}, 400, "invalid_request"),
        ({"code_verifier": ""}, 400, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_leaves_the_code(
    h5: H5Client, changed: dict[str, str | None], status: int, error: str
) -> None:
    code = h5.code()
    answer = h5.exchange(code, **changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert h5.exchange(code).status_code == 200


def test_a_client_with_a_secret_is_not_ours(h5: H5Client) -> None:
    answer = h5.exchange(h5.code(), headers={"Authorization": "Basic eDp5"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_parameter_that_comes_twice_is_refused(h5: H5Client) -> None:
    code = h5.code()
    answer = h5.exchange_of(f"grant_type=authorization_code&code={code}&code={code}")
    assert answer.json()["error"] == "invalid_request"
