"""The bill of a day: the signed answer names the file, and the file matches its hash."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from tests.wechat_gateway import Answer, Gateway, raw
from tests.wechat_peer import a_wechat_channel

BILL = "\ufeff交易时间,公众账号ID\r\n`2026-02-28 12:00:00,`wx0000000000000001\r\n".encode()
TOKEN = (
    "/v3/billdownload/file?token=6XIv5TUPto7pByrTQKhd6kwvyKLG2uY2wMMR8cNXqaA_Cv_isgaUtBzp4QtiozLO"
)


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def named(gateway: Gateway, **changes: Any) -> Answer:
    """The signed answer that names the file."""
    gateway.says(
        {
            "hash_type": "SHA1",
            "hash_value": sha1(BILL),
            "download_url": f"{gateway.url}{TOKEN}",
            **changes,
        }
    )
    return gateway.answers[0]


def file(content: bytes = BILL, status: int = 200) -> Answer:
    return raw(status, {"Content-Type": "text/plain"}, content)


def downloaded(gateway: Gateway) -> bytes:
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.download_bill(date(2026, 2, 28), Deadline.after(10))


def test_the_bill_comes_as_it_is_through_two_signed_requests(gateway: Gateway) -> None:
    gateway.answers = [named(gateway), file()]

    assert downloaded(gateway) == BILL

    first, second = gateway.asked
    assert first.target == "/v3/bill/tradebill?bill_date=2026-02-28&bill_type=ALL"
    assert second.target == TOKEN
    for asked in gateway.asked:
        asked.check_signed()
        assert asked.headers["Accept-Encoding"] == "identity"


def test_a_hash_may_be_in_capitals(gateway: Gateway) -> None:
    gateway.answers = [named(gateway, hash_value=sha1(BILL).upper()), file()]

    assert downloaded(gateway) == BILL


@pytest.mark.parametrize(
    "content", [BILL[:-1], BILL.replace(b"wx", b"wy"), b"", b"<html>", gzip.compress(BILL)]
)
def test_another_file_is_no_bill(gateway: Gateway, content: bytes) -> None:
    gateway.answers = [named(gateway), file(content)]

    with pytest.raises(ChannelUnavailable, match="hash"):
        downloaded(gateway)


@pytest.mark.parametrize("status", [204, 206, 302, 400, 404, 500])
def test_a_file_that_is_not_given_is_no_bill(gateway: Gateway, status: int) -> None:
    gateway.answers = [named(gateway), file(status=status)]

    with pytest.raises(ChannelUnavailable, match=str(status)):
        downloaded(gateway)


@pytest.mark.parametrize(
    "changes",
    [
        {"hash_type": "MD5"},
        {"hash_type": None},
        {"hash_value": None},
        {"hash_value": "哈希"},
        {"hash_value": ""},
        {"download_url": None},
    ],
)
def test_an_answer_that_names_no_file_of_wechat_is_no_bill(
    gateway: Gateway, changes: dict[str, Any]
) -> None:
    gateway.answers = [named(gateway, **changes), file()]

    with pytest.raises(ChannelUnavailable):
        downloaded(gateway)


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example/file",
        "https://somebody@api.mch.example/file",
        "https://api.mch.example/file#part",
        "file:///etc/hostname",
        "https://",
        "https://[/file",
        "",
    ],
)
def test_no_file_is_fetched_from_another_place(gateway: Gateway, url: str) -> None:
    gateway.answers = [named(gateway, download_url=url), file()]

    with pytest.raises(ChannelUnavailable, match="at another place"):
        downloaded(gateway)


@pytest.mark.parametrize("code", ["NO_STATEMENT_EXIST", "STATEMENT_CREATING", "INVALID_REQUEST"])
def test_a_day_without_a_bill_is_a_refusal(gateway: Gateway, code: str) -> None:
    gateway.refuses(400, code)

    with pytest.raises(ChannelRefused, match=code):
        downloaded(gateway)


def test_asking_too_often_says_nothing_of_the_bill(gateway: Gateway) -> None:
    gateway.refuses(429, "FREQUENCY_LIMITED")

    with pytest.raises(ChannelUnavailable):
        downloaded(gateway)


def test_a_bill_that_drips_ends_with_the_deadline(gateway: Gateway) -> None:
    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BILL)))
        handler.end_headers()
        gateway.stopping.wait(30)

    gateway.answers = [named(gateway), drip]
    channel = a_wechat_channel(gateway_url=gateway.url)

    with pytest.raises(ChannelUnavailable, match="in time"):
        channel.download_bill(date(2026, 2, 28), Deadline.after(0.5))
