"""The issuer's keys: kept for ten minutes, asked for again sparingly, good through an outage."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from chalicelib.auth import User
from chalicelib.errors import Unauthenticated, Unavailable
from chalicelib.jwks import KeySet, http_fetch
from chalicelib.secrets import Secrets
from chalicelib.settings import Settings, SettingsError
from chalicelib.tokens import KeySetVerifier, SharedSecretVerifier, verifier_for
from tests.fakes.clock import FakeClock
from tests.unit.auth.issuer import Issuer, published, rsa_key, token, verifier_of

STUDENT = User("student-1")


def _issuer(*names: str) -> Issuer:
    return Issuer(*(published(rsa_key(name), name) for name in names))


def test_keys_are_fetched_on_first_use_and_kept_for_ten_minutes() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert issuer.fetches == 0
    for _ in range(3):
        assert verifier.verify(token()) == STUDENT
    clock.advance(minutes=9, seconds=59)
    assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 1
    clock.advance(seconds=1)
    assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 2


def test_a_withdrawn_key_is_refused_after_the_next_fetch() -> None:
    issuer, clock = _issuer("k1", "k2"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    del issuer.keys[0]
    clock.advance(minutes=10)
    with pytest.raises(Unauthenticated, match="kid"):
        verifier.verify(token())


def test_a_new_key_is_learnt_at_once() -> None:
    issuer = _issuer("k1")
    verifier = verifier_of(issuer)
    assert verifier.verify(token()) == STUDENT
    issuer.keys.append(published(rsa_key("k2"), "k2"))
    assert verifier.verify(token("k2", "k2")) == STUDENT
    assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 2


def test_unknown_key_ids_make_one_fetch_a_minute() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    for attempt in range(5):
        with pytest.raises(Unauthenticated, match="kid"):
            verifier.verify(token(f"made-up-{attempt}"))
    assert issuer.fetches == 2
    clock.advance(seconds=59)
    with pytest.raises(Unauthenticated):
        verifier.verify(token("made-up"))
    assert issuer.fetches == 2
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        verifier.verify(token("made-up"))
    assert issuer.fetches == 3


def test_a_first_token_with_an_unknown_key_id_makes_one_fetch() -> None:
    issuer = _issuer("k1")
    with pytest.raises(Unauthenticated):
        verifier_of(issuer).verify(token("made-up"))
    assert issuer.fetches == 1


def test_known_keys_go_on_working_while_the_issuer_is_down() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    issuer.down = True
    for _ in range(5):
        clock.advance(minutes=11)
        assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 6
    issuer.down = False
    issuer.keys = [published(rsa_key("k2"), "k2")]
    clock.advance(minutes=1)
    assert verifier.verify(token("k2", "k2")) == STUDENT


def test_an_issuer_that_is_down_is_not_asked_for_every_token() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    issuer.down = True
    clock.advance(minutes=11)
    for _ in range(20):
        assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 2


def test_an_unknown_key_id_while_the_issuer_is_down_cannot_be_judged() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    issuer.down = True
    with pytest.raises(Unavailable):
        verifier.verify(token("k2", "k2"))
    assert verifier.verify(token()) == STUDENT


def test_without_any_key_nothing_can_be_judged_until_the_issuer_answers() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    issuer.down = True
    verifier = verifier_of(issuer, clock)
    for _ in range(5):
        with pytest.raises(Unavailable) as unknown:
            verifier.verify(token())
    assert unknown.value.retry_after_seconds
    assert issuer.fetches == 1
    issuer.down = False
    clock.advance(seconds=2)
    assert verifier.verify(token()) == STUDENT


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"keys": []},
        {"keys": "k1"},
        {"keys": [7, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]},
    ],
)
def test_an_answer_without_keys_is_an_outage(answer: dict[str, Any]) -> None:
    answers: list[Mapping[str, Any]] = [{"keys": [published(rsa_key("k1"), "k1")]}, answer]
    clock = FakeClock()
    keys = KeySet(lambda: answers.pop(0), clock)
    assert keys.key("k1") is not None
    clock.advance(minutes=10)
    assert keys.key("k1") is not None
    assert not answers


@pytest.mark.parametrize(
    "unfit",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"kid": 7},
    ],
)
def test_keys_for_another_purpose_are_not_used(unfit: dict[str, Any]) -> None:
    issuer = Issuer(published(rsa_key("k1"), "k1", **unfit), published(rsa_key("k2"), "k2"))
    with pytest.raises(Unauthenticated, match="kid"):
        verifier_of(issuer).verify(token())


def test_a_clock_that_was_set_back_makes_a_fetch_and_no_eternity() -> None:
    issuer, clock = _issuer("k1"), FakeClock()
    verifier = verifier_of(issuer, clock)
    assert verifier.verify(token()) == STUDENT
    clock.advance(days=-400)
    assert verifier.verify(token()) == STUDENT
    assert issuer.fetches == 2


def test_threads_wait_for_one_fetch_together() -> None:
    issuer = _issuer("k1")
    together = threading.Barrier(8, timeout=30)
    verifier = verifier_of(issuer)

    def verify() -> User:
        together.wait()
        return verifier.verify(token())

    with ThreadPoolExecutor(8) as pool:
        users = [future.result(30) for future in [pool.submit(verify) for _ in range(8)]]
    assert users == [STUDENT] * 8
    assert issuer.fetches == 1


class _NoSecrets:
    def get(self, name: str) -> str:
        return {"jwt_shared_secret": "s" * 32}[name]

    def forget(self) -> None:
        """Nothing is kept."""


def _settings(**env: str) -> Settings:
    return Settings.from_env({"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", **env})


def test_configuration_decides_how_tokens_are_verified() -> None:
    nothing: Secrets = _NoSecrets()
    by_keys = verifier_for(_settings(JWKS_URL="https://id.example.test/k"), nothing, FakeClock())
    assert isinstance(by_keys, KeySetVerifier)
    by_secret = verifier_for(_settings(AUTH_MODE="shared-secret"), nothing, FakeClock())
    assert isinstance(by_secret, SharedSecretVerifier)


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"JWKS_URL": "file:///etc/passwd"},
        {"JWKS_URL": "ftp://id.example.test/k"},
        {"JWKS_URL": "https://id.example.test/k", "JWT_ISSUER": ""},
        {"AUTH_MODE": "shared-secret", "JWT_AUDIENCE": ""},
    ],
)
def test_half_a_configuration_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        verifier_for(_settings(**env), _NoSecrets(), FakeClock())


def test_a_key_set_address_that_nobody_serves_is_an_outage() -> None:
    keys = KeySet(http_fetch("http://127.0.0.1:9/keys"), FakeClock())
    with pytest.raises(Unavailable):
        keys.key("k1")
    with pytest.raises(jwt.PyJWKClientError):
        http_fetch("data:application/json,{}")
