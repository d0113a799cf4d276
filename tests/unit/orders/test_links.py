"""Signed texts: what is signed is accepted, anything else is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidLink
from chalicelib.orders.model import PayNo
from chalicelib.orders.pages.links import LinkSigner, Purpose, payment_url, signed_url
from chalicelib.settings import SettingsError
from tests.builders import PAY_NO
from tests.fakes.clock import START, FakeClock

KEYS = {"2025": b"a" * 32, "2026": b"b" * 32}
EXPIRES_AT = START + timedelta(minutes=30)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signer(clock: FakeClock) -> LinkSigner:
    return LinkSigner(KEYS, clock)


@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_what_was_signed_is_accepted(signer: LinkSigner, purpose: Purpose) -> None:
    signer.check(purpose, PAY_NO, signer.sign(purpose, PAY_NO, EXPIRES_AT))


def test_a_signature_has_its_key_its_expiry_and_a_whole_mac(signer: LinkSigner) -> None:
    key_id, expiry, mac = signer.sign("pay", PAY_NO, EXPIRES_AT).split(".")

    assert key_id == "2026"
    assert int(expiry) == int(EXPIRES_AT.timestamp())
    assert len(mac) == 43  # 256 bits


def test_the_same_link_is_signed_alike_each_time(signer: LinkSigner, clock: FakeClock) -> None:
    first = signer.sign("pay", PAY_NO, EXPIRES_AT)
    clock.advance(minutes=5)

    assert signer.sign("pay", PAY_NO, EXPIRES_AT) == first


def test_a_link_lives_until_its_expiry_and_not_longer(signer: LinkSigner, clock: FakeClock) -> None:
    text = signer.sign("pay", PAY_NO, EXPIRES_AT)
    clock.set(EXPIRES_AT - timedelta(seconds=1))
    signer.check("pay", PAY_NO, text)
    clock.set(EXPIRES_AT)

    with pytest.raises(InvalidLink, match="expired"):
        signer.check("pay", PAY_NO, text)


@pytest.mark.parametrize(("signed", "used"), list(permutations(get_args(Purpose), 2)))
def test_a_signature_serves_one_purpose(signer: LinkSigner, signed: Purpose, used: Purpose) -> None:
    with pytest.raises(InvalidLink, match="wrong signature"):
        signer.check(used, PAY_NO, signer.sign(signed, PAY_NO, EXPIRES_AT))


def test_a_signature_serves_one_attempt(signer: LinkSigner) -> None:
    text = signer.sign("pay", PAY_NO, EXPIRES_AT)

    with pytest.raises(InvalidLink, match="wrong signature"):
        signer.check("pay", PayNo("150000000000000002"), text)


def test_a_later_expiry_needs_a_new_signature(signer: LinkSigner) -> None:
    key_id, expiry, mac = signer.sign("pay", PAY_NO, EXPIRES_AT).split(".")

    for changed in (str(int(expiry) + 1), "0" + expiry, expiry + "0"):
        with pytest.raises(InvalidLink, match="wrong signature"):
            signer.check("pay", PAY_NO, f"{key_id}.{changed}.{mac}")


def test_a_digit_cannot_move_from_the_number_to_the_expiry(signer: LinkSigner) -> None:
    key_id, expiry, mac = signer.sign("pay", PayNo("15"), EXPIRES_AT).split(".")

    with pytest.raises(InvalidLink, match="wrong signature"):
        signer.check("pay", "1", f"{key_id}.5{expiry}.{mac}")


def test_the_key_id_is_part_of_what_is_signed(clock: FakeClock) -> None:
    same_key = LinkSigner({"one": b"a" * 32, "two": b"a" * 32}, clock)
    text = same_key.sign("pay", PAY_NO, EXPIRES_AT)

    with pytest.raises(InvalidLink, match="wrong signature"):
        same_key.check("pay", PAY_NO, text.replace("two", "one"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "2026.1.",
        "签名" * 20,
        "\ud800" * 50,
        "2026.x." + "A" * 43,
        "a b.1." + "A" * 43,
        "2026.١." + "A" * 43,
        "2026.1." + "é" * 43,
        "2026.1." + "A" * 42,
        "2026.1." + "A" * 44,
        "2026.1." + "A" * 43 + "\n",
        "2026.1." + "A" * 43 + ".x",
    ],
)
def test_what_is_no_signature_is_refused(signer: LinkSigner, text: str) -> None:
    with pytest.raises(InvalidLink, match="malformed"):
        signer.check("pay", PAY_NO, text)


@pytest.mark.parametrize("pay_no", ["", "\ud800", "签", "1\n2", "x" * 10_000])
def test_a_strange_pay_no_is_refused(signer: LinkSigner, pay_no: str) -> None:
    with pytest.raises(InvalidLink, match="wrong signature"):
        signer.check("pay", pay_no, signer.sign("pay", PAY_NO, EXPIRES_AT))


def test_keys_are_rotated_without_breaking_a_link(clock: FakeClock) -> None:
    old = LinkSigner({"2025": KEYS["2025"]}, clock).sign("pay", PAY_NO, EXPIRES_AT)
    both = LinkSigner(KEYS, clock)

    both.check("pay", PAY_NO, old)
    assert both.sign("pay", PAY_NO, EXPIRES_AT).startswith("2026.")
    with pytest.raises(InvalidLink, match="unknown key"):
        LinkSigner({"2026": KEYS["2026"]}, clock).check("pay", PAY_NO, old)


def test_the_secret_lists_keys_newest_last(clock: FakeClock) -> None:
    secret = json.dumps({key_id: key.hex() for key_id, key in KEYS.items()})

    from_secret = LinkSigner.from_secret(secret, clock)

    assert from_secret.sign("pay", PAY_NO, EXPIRES_AT) == LinkSigner(KEYS, clock).sign(
        "pay", PAY_NO, EXPIRES_AT
    )


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "{}",
        "[]",
        "null",
        "no json",
        '{"a": 1}',
        '{"a": "xyz"}',
        '{"a": "abcd"}',
        '{"a.b": "' + "ab" * 32 + '"}',
    ],
)
def test_an_unusable_secret_is_named_but_not_shown(clock: FakeClock, secret: str) -> None:
    with pytest.raises(SettingsError, match="link_keys") as caught:
        LinkSigner.from_secret(secret, clock)

    assert "ab" * 32 not in str(caught.value)


def test_the_payment_url_carries_number_and_signature(signer: LinkSigner) -> None:
    sign = signer.sign("pay", PAY_NO, EXPIRES_AT)

    parts = urlsplit(payment_url("https://pay.example/api", PAY_NO, sign))

    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        "https://pay.example/api/orders/requestpay"
    )
    assert parse_qs(parts.query) == {"payNo": [PAY_NO], "sign": [sign]}


@pytest.mark.parametrize("address", ["https://h5.example/r", "https://h5.example/r?from=pay"])
def test_number_and_signature_are_added_to_what_an_address_has(address: str) -> None:
    parts = urlsplit(signed_url(address, PAY_NO, "k.1.m"))

    query = parse_qs(parts.query, strict_parsing=True)
    assert query.pop("payNo") == [PAY_NO]
    assert query.pop("sign") == ["k.1.m"]
    assert query == parse_qs(urlsplit(address).query)


_TEXTS = st.text(st.sampled_from("0123456789:,.pay"), max_size=12)


@given(_TEXTS, _TEXTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_two_links_share_a_signature(
    first: str, second: str, seconds: int, more_seconds: int
) -> None:
    signer = LinkSigner(KEYS, FakeClock())
    one = (first, START + timedelta(seconds=seconds))
    other = (second, START + timedelta(seconds=more_seconds))

    macs = {
        signer.sign("pay", PayNo(text), moment).rpartition(".")[2] for text, moment in (one, other)
    }

    assert len(macs) == len({one, other})
