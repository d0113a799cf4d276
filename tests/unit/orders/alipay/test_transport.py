"""Finding a name, connecting and reading share one limit."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from chalicelib.deadline import Deadline
from chalicelib.orders.alipay.transport import fetch
from tests.unit.orders.alipay.gateway import Gateway, cut_off

NAME = "gateway.test"
MOST = 1024


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


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port of every loopback address where nobody ever takes up a connection."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        waiting = []
        # a full backlog leaves the next callers without any answer
        while True:
            caller = socket.socket()
            caller.settimeout(0.2)
            waiting.append(caller)
            try:
                caller.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port
        for caller in waiting:
            caller.close()


def test_all_addresses_of_a_name_share_the_limit(names: Names, deaf_port: int) -> None:
    names.hosts = [f"127.0.0.{number}" for number in range(1, 7)]
    started = time.monotonic()

    with pytest.raises(OSError):
        fetch(f"http://{NAME}:{deaf_port}/", Deadline.after(0.6), MOST)

    assert time.monotonic() - started < 1.8


def test_an_address_that_never_answers_leaves_time_for_the_next(
    names: Names, gateway: Gateway
) -> None:
    port = int(gateway.origin.rpartition(":")[2])
    gateway.says("here")
    with socket.socket() as silent:
        silent.bind(("127.0.0.9", port))
        silent.listen(0)
        backlog = [socket.socket() for _ in range(3)]
        for caller in backlog:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.9", port))
        names.hosts = ["127.0.0.9", "127.0.0.1"]

        assert fetch(f"http://{NAME}:{port}/", Deadline.after(4), MOST) == b"here"

        for caller in backlog:
            caller.close()


def test_an_address_that_refuses_leaves_the_next(names: Names, gateway: Gateway) -> None:
    port = int(gateway.origin.rpartition(":")[2])
    gateway.says("here")
    names.hosts = ["127.0.0.8", "127.0.0.1"]

    assert fetch(f"http://{NAME}:{port}/", Deadline.after(10), MOST) == b"here"


def test_a_name_that_is_not_found_in_time_ends_with_the_limit(
    names: Names, gateway: Gateway
) -> None:
    names.hosts = ["127.0.0.1"]
    names.may_answer.clear()
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        fetch(f"http://{NAME}:1/", Deadline.after(0.3), MOST)

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("url", ["http://nowhere.invalid/", "http://" + "a" * 70 + ".test/"])
def test_a_name_that_nobody_has_is_an_os_error(url: str) -> None:
    with pytest.raises(OSError):
        fetch(url, Deadline.after(10), MOST)


def test_a_name_without_an_address_is_an_os_error(names: Names) -> None:
    with pytest.raises(OSError):
        fetch(f"http://{NAME}:1/", Deadline.after(10), MOST)


def test_a_body_that_is_cut_off_is_no_body(gateway: Gateway) -> None:
    gateway.does(cut_off("half of it"))

    with pytest.raises(OSError):
        fetch(gateway.url, Deadline.after(10), MOST)


def test_a_body_beyond_the_most_is_not_kept(gateway: Gateway) -> None:
    gateway.says("x" * (MOST + 1))

    with pytest.raises(OSError, match="too long"):
        fetch(gateway.url, Deadline.after(10), MOST)
