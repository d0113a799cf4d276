"""Finding a name, connecting and reading share one limit, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.exchange import NoAnswer, fetch
from tests.unit.orders.http_client.site import Site, a_deaf_listener, ok

NAME = "gateway.test"
IN_TIME = "no complete answer in time"


class Names:
    """The name service: `NAME` has ``hosts``; everything else is found as usual."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._usual = socket.getaddrinfo

    def getaddrinfo(self, host: str, port: int, *args: int, **options: int) -> list[object]:
        if host != NAME:
            return list(self._usual(host, port, *args, **options))
        self.may_answer.wait(30)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))
            for host in self.hosts
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.may_answer.set()


def fetched(url: str, seconds: float = 10) -> bytes:
    return fetch(url, limit=Deadline.after(seconds), most_bytes=1024)


def why_not(url: str, seconds: float = 10) -> str:
    """What is said instead of an answer."""
    with pytest.raises(NoAnswer) as none:
        fetched(url, seconds)
    return str(none.value)


class TestReading:
    def test_silence_ends_with_the_limit(self, site: Site) -> None:
        site.is_silent()
        began = time.monotonic()

        assert why_not(site.origin + "/", 0.3) == IN_TIME

        assert time.monotonic() - began < 4

    def test_headers_that_drip_end_with_the_limit(self, site: Site) -> None:
        site.drips(b"HTTP/1.1 200 OK\r\n", *(b"X-%d: a\r\n" % number for number in range(90)))
        began = time.monotonic()

        assert why_not(site.origin + "/", 0.4) == IN_TIME

        assert time.monotonic() - began < 4

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n",
            # without a length the end of the line is the end of the body, and the limit is neither
            b"HTTP/1.1 200 OK\r\n\r\n",
        ],
    )
    def test_a_body_that_drips_ends_with_the_limit(self, site: Site, head: bytes) -> None:
        site.drips(head, *[b"x"] * 90)
        began = time.monotonic()

        assert why_not(site.origin + "/", 0.4) == IN_TIME

        assert time.monotonic() - began < 4

    def test_a_body_that_drips_faster_than_the_limit_is_whole(self, site: Site) -> None:
        site.drips(ok(b"", length=4), *[b"x"] * 4)

        assert fetched(site.origin + "/") == b"xxxx"


class TestConnecting:
    def test_all_addresses_of_a_name_share_the_limit(self, names: Names) -> None:
        names.hosts = [f"127.0.0.{number}" for number in range(1, 7)]
        with a_deaf_listener("0.0.0.0") as port:
            began = time.monotonic()

            assert why_not(f"http://{NAME}:{port}/", 0.6) == IN_TIME

            assert 0.5 < time.monotonic() - began < 1.8

    def test_an_address_that_never_answers_leaves_time_for_the_next(
        self, names: Names, site: Site
    ) -> None:
        names.hosts = ["127.0.0.9", "127.0.0.1"]
        site.says(ok(b"here"))

        with a_deaf_listener("127.0.0.9", site.port):
            assert fetched(f"http://{NAME}:{site.port}/", 4) == b"here"

    def test_an_address_that_refuses_leaves_the_next(self, names: Names, site: Site) -> None:
        names.hosts = ["127.0.0.8", "127.0.0.1"]
        site.says(ok(b"here"))

        assert fetched(f"http://{NAME}:{site.port}/") == b"here"

    def test_the_last_refusal_is_told(self) -> None:
        assert why_not("http://127.0.0.1:1/") == "ConnectionRefusedError"


class TestFindingTheName:
    def test_a_name_that_is_not_found_in_time_ends_with_the_limit(self, names: Names) -> None:
        names.may_answer.clear()
        began = time.monotonic()

        assert why_not(f"http://{NAME}:1/", 0.3) == IN_TIME

        assert time.monotonic() - began < 3

    def test_a_name_that_nobody_has_is_told(self) -> None:
        assert why_not("http://nowhere.invalid/") == "gaierror"

    def test_what_is_no_name_is_told(self) -> None:
        assert why_not("http://" + "a" * 70 + ".test/") in {"UnicodeError", "UnicodeEncodeError"}

    def test_a_name_without_an_address_is_told(self, names: Names) -> None:
        assert why_not(f"http://{NAME}:1/") == "OSError"


class TestAfterwards:
    def test_nothing_is_asked_when_no_time_is_left(self, site: Site) -> None:
        assert why_not(site.origin + "/", 0) == IN_TIME

        assert site.asked == []

    def test_no_timer_outlives_its_question(self, site: Site) -> None:
        site.says(ok(b"here"))
        fetched(site.origin + "/", 30)

        assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
