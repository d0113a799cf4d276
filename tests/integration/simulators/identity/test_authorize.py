from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.integration.simulators.identity.h5_client import (
    H5,
    ISSUER,
    ORIGIN,
    REDIRECT_URI,
    H5Client,
    returned,
)


def test_the_page_offers_who_one_can_be(h5: H5Client) -> None:
    answer = h5.page()
    assert answer.status_code == 200
    assert all(name in answer.text for name in ("小明", "小红", "退款操作员"))
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_may_lead_back_to_the_h5_and_run_nothing(h5: H5Client) -> None:
    policy = h5.page().headers["Content-Security-Policy"]
    assert f"form-action 'self' {ORIGIN};" in policy
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "script-src" not in policy


def test_who_the_client_thinks_it_is_stands_in_the_field_escaped(h5: H5Client) -> None:
    assert 'value="&lt;7&#34;"' in h5.page(login_hint='<7"').text


@pytest.mark.parametrize("choice", [{"person": "1002"}, {"userId": "77"}])
def test_a_choice_leads_back_with_a_code_the_state_and_the_issuer(
    h5: H5Client, choice: dict[str, str]
) -> None:
    answer = returned(h5.choose(choice))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("st4te", ISSUER)


def test_what_the_address_already_asks_is_kept(h5: H5Client) -> None:
    answer = h5.choose({"person": "1001"}, redirect_uri=f"{REDIRECT_URI}?from=my.html")
    assert returned(answer).keys() == {"from", "code", "state", "iss"}


def test_no_state_comes_back_when_none_was_sent(h5: H5Client) -> None:
    assert "state" not in returned(h5.choose({"person": "1001"}, state=None))


def test_going_back_is_access_denied(h5: H5Client) -> None:
    assert returned(h5.choose({"cancel": "1"}))["error"] == "access_denied"


@pytest.mark.parametrize("choice", [{}, {"userId": " "}, {"person": "nobody"}])
def test_choosing_nobody_shows_the_page_again(h5: H5Client, choice: dict[str, str]) -> None:
    answer = h5.choose(choice)
    assert answer.status_code == 200
    assert "小明" in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": None},
        {"client_id": "somebody"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{ORIGIN}.evil.example/h5/"},
        {"redirect_uri": f"{ORIGIN}/orders/payresult"},
        {"redirect_uri": f"{H5}../orders/payresult"},
        {"redirect_uri": f"{H5}%2e%2e/orders/payresult"},
        {"redirect_uri": f"{H5}..\\orders"},
        {"redirect_uri": f"{REDIRECT_URI}#there"},
        {"redirect_uri": f"{REDIRECT_URI} x"},
        {"redirect_uri": f"{REDIRECT_URI}\r\nLocation: https://evil.example/"},
    ],
)
def test_a_stranger_is_told_on_a_page_and_sent_nowhere(
    h5: H5Client, changed: dict[str, str | None]
) -> None:
    for answer in (h5.page(**changed), h5.choose({"person": "1001"}, **changed)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "无法登录" in answer.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_client_that_comes_twice_is_sent_nowhere(h5: H5Client, name: str) -> None:
    right = h5.request()
    answer = h5.page_at(urlencode([*right.items(), (name, right[name])]))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://x.example/"}, "request_uri_not_supported"),
    ],
)
def test_the_client_gets_to_know_what_is_wrong_with_its_request(
    h5: H5Client, changed: dict[str, str | None], error: str
) -> None:
    for answer in (h5.page(**changed), h5.choose({"person": "1001"}, **changed)):
        told = returned(answer)
        assert (told["error"], told["state"], told["iss"]) == (error, "st4te", ISSUER)
        assert told["error_description"]
        assert "code" not in told


def test_a_parameter_that_comes_twice_is_refused(h5: H5Client) -> None:
    query = urlencode([*h5.request().items(), ("nonce", "other")])
    assert returned(h5.page_at(query))["error"] == "invalid_request"


def test_what_the_provider_does_not_know_is_ignored(h5: H5Client) -> None:
    assert h5.page(audience="course-payments", ui_locales="zh-CN").status_code == 200
