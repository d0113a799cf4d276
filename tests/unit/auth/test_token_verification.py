"""Which tokens are good, and whose they are."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.auth import User
from chalicelib.errors import Unauthenticated
from chalicelib.settings import SettingsError
from chalicelib.tokens import Claims, SharedSecretVerifier
from tests.unit.auth.issuer import (
    AUDIENCE,
    ISSUER,
    Issuer,
    claims,
    our_claims,
    public_pem,
    published,
    raw_token,
    rsa_key,
    token,
    verifier_of,
)


def _verify(text: str) -> User:
    return verifier_of(Issuer(published(rsa_key("k1"), "k1"))).verify(text)


def test_a_good_token_tells_its_subject() -> None:
    assert _verify(token()) == User("student-1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": int(time.time()) - 60}, "Expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"nbf": int(time.time()) + 3600}, "nbf"),
        ({"iat": int(time.time()) + 3600}, "iat"),
        ({"iss": "https://other.example.test"}, "issuer"),
        ({"iss": None}, "iss"),
        ({"aud": "another-api"}, "Audience"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": None}, "user id"),
        ({"sub": ""}, "user id"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused_with_a_reason_for_the_log(
    changes: dict[str, Any], reason: str
) -> None:
    text = token(**changes)
    with pytest.raises(Unauthenticated) as refused:
        _verify(text)
    assert reason.lower() in refused.value.detail.lower()
    assert text not in refused.value.detail


def test_ten_seconds_of_clock_difference_are_forgiven() -> None:
    assert _verify(token(exp=int(time.time()) - 3)) == User("student-1")
    assert _verify(token(nbf=int(time.time()) + 6)) == User("student-1")


def test_one_of_several_audiences_is_enough() -> None:
    assert _verify(token(aud=["another-api", AUDIENCE])) == User("student-1")


def test_a_token_without_algorithm_is_refused() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        text = raw_token({"alg": algorithm, "typ": "JWT", "kid": "k1"}, claims())
        with pytest.raises(Unauthenticated, match="alg"):
            _verify(text)


def test_hmac_keyed_with_the_public_key_is_refused() -> None:
    header = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    body = claims()
    signing_input = raw_token(header, body).rpartition(".")[0]
    for key in (public_pem(rsa_key("k1")), public_pem(rsa_key("k1")).strip()):
        mac = hmac.new(key, signing_input.encode(), hashlib.sha256).digest()
        with pytest.raises(Unauthenticated, match="alg"):
            _verify(raw_token(header, body, mac))


def test_a_shared_secret_token_is_refused_where_a_key_set_is_configured() -> None:
    text = jwt.encode(claims(), secrets.token_bytes(32), "HS256", headers={"kid": "k1"})
    with pytest.raises(Unauthenticated, match="alg"):
        _verify(text)


def test_a_key_set_token_is_refused_where_a_shared_secret_is_configured() -> None:
    verifier = SharedSecretVerifier(secrets.token_hex(32), our_claims())
    with pytest.raises(Unauthenticated):
        verifier.verify(token())


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="Signature"):
        _verify(token(kid="k1", signed_by="k2"))


def test_a_changed_claim_is_refused() -> None:
    head, _, signature = token().split(".")
    body = raw_token({}, claims(sub="somebody-else")).split(".")[1]
    with pytest.raises(Unauthenticated, match="Signature"):
        _verify(f"{head}.{body}.{signature}")


def test_a_short_rsa_key_is_refused() -> None:
    short = rsa_key("short", 1024)
    verifier = verifier_of(Issuer(published(short, "k1")))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        text = jwt.encode(claims(), short, "RS256", headers={"kid": "k1"})
    with pytest.raises(Unauthenticated, match="1024"):
        verifier.verify(text)


def test_a_shared_secret_token_tells_its_subject() -> None:
    secret = secrets.token_hex(32)
    verifier = SharedSecretVerifier(secret, our_claims())
    assert verifier.verify(jwt.encode(claims(), secret, "HS256")) == User("student-1")
    with pytest.raises(Unauthenticated, match="Signature"):
        verifier.verify(jwt.encode(claims(), secrets.token_hex(32), "HS256"))
    with pytest.raises(Unauthenticated):
        verifier.verify(raw_token({"alg": "none"}, claims()))
    with pytest.raises(Unauthenticated):
        verifier.verify(jwt.encode(claims(), secret * 2, "HS512"))


def test_a_short_shared_secret_is_refused_at_configuration() -> None:
    with pytest.raises(SettingsError, match="32 bytes"):
        SharedSecretVerifier("mq123", our_claims())


@pytest.mark.parametrize(("issuer", "audience"), [("", AUDIENCE), (ISSUER, "")])
def test_issuer_and_audience_must_be_configured(issuer: str, audience: str) -> None:
    with pytest.raises(SettingsError):
        Claims(issuer, audience, "roles")


@pytest.mark.parametrize(
    ("user_name", "user_id"),
    [
        ('{"id": 1234567890123456789, "username": "t1", "companyId": 7}', "1234567890123456789"),
        ('{"id": "52", "username": "t1"}', "52"),
    ],
)
def test_the_platforms_user_name_names_the_user(user_name: str, user_id: str) -> None:
    assert _verify(token(user_name=user_name)) == User(user_id)
    assert _verify(token(user_name=user_name, sub=None)) == User(user_id)


def test_a_number_in_sub_beside_a_user_name_does_no_harm() -> None:
    text = jwt.encode(
        {**claims(user_name='{"id": "52"}'), "sub": 9}, rsa_key("k1"), "RS256", {"kid": "k1"}
    )
    assert _verify(text) == User("52")


@pytest.mark.parametrize(
    "user_name",
    [
        "t1",
        "",
        "{",
        "[]",
        "{}",
        '{"id": null}',
        '{"id": true}',
        '{"id": 1.5}',
        '{"id": NaN}',
        '{"id": ["52"]}',
        '{"id": ""}',
        '{"id": "a#b"}',
        "[" * 2000,
        {"id": "52"},
        52,
        False,
    ],
)
def test_an_unreadable_user_name_is_refused_even_beside_a_good_sub(user_name: object) -> None:
    with pytest.raises(Unauthenticated, match="user id"):
        _verify(token(user_name=user_name))


@pytest.mark.parametrize(
    "sub", ["a#b", "a\nb", "a\x00", "\ud800", " a", "a ", "a\u202eb", "x" * 65]
)
def test_a_user_id_that_could_break_a_key_is_refused(sub: str) -> None:
    with pytest.raises(Unauthenticated, match="user id"):
        _verify(token(sub=sub))


@pytest.mark.parametrize("sub", ["x" * 64, "张三", "a:b|c@d.example", "two words"])
def test_other_user_ids_are_taken_as_they_are(sub: str) -> None:
    assert _verify(token(sub=sub)).user_id == sub


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        (["operator", "super admin"], {"operator", "super admin"}),
        ("operator  teacher", {"operator", "teacher"}),
        ([], set()),
        ("", set()),
        (["operator", 7], set()),
        (["operator", ""], set()),
        ({"operator": True}, set()),
        (7, set()),
        (None, set()),
    ],
)
def test_roles_are_a_list_or_a_text_and_otherwise_none(claim: object, roles: set[str]) -> None:
    assert _verify(token(roles=claim)).roles == roles


def test_roles_come_from_the_configured_claim() -> None:
    secret = secrets.token_hex(32)
    verifier = SharedSecretVerifier(secret, our_claims("authorities"))
    text = jwt.encode(claims(roles=["a"], authorities=["b"]), secret, "HS256")
    assert verifier.verify(text).roles == {"b"}


def test_an_endless_token_is_refused_unread() -> None:
    with pytest.raises(Unauthenticated, match="characters"):
        _verify(token(padding="x" * 10_000))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=60)
    | st.builds(
        raw_token,
        st.fixed_dictionaries({"alg": st.just("RS256") | _JSON, "kid": st.just("k1") | _JSON}),
        st.dictionaries(st.sampled_from(["exp", "iss", "aud", "sub"]), _JSON),
        st.binary(max_size=8),
    )
)
def test_whatever_is_sent_as_a_token_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(Unauthenticated):
        _verify(text)


_SECRET = secrets.token_hex(32)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["exp", "nbf", "aud", "user_name", "roles"]), _JSON))
def test_signed_nonsense_is_refused_or_read_and_breaks_nothing(changes: dict[str, Any]) -> None:
    text = jwt.encode(claims() | changes, _SECRET, "HS256")
    try:
        user = SharedSecretVerifier(_SECRET, our_claims()).verify(text)
    except Unauthenticated:
        return
    assert user.user_id
