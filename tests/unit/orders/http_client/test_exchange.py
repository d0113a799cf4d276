"""One request, sent as it is given; its answer whole and as it came, or none."""

from __future__ import annotations

import gzip
import logging
import traceback

import pytest

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.exchange import Answer, NoAnswer, exchange, fetch
from tests.unit.orders.http_client.site import Site, ok

MOST = 100_000
SECRET = "6fd9c8b1a7e5"


def asked(
    url: str,
    method: str = "GET",
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    return exchange(
        method,
        url,
        headers=headers or {},
        body=body,
        limit=Deadline.after(10),
        most_bytes=MOST,
    )


def why_not(url: str) -> str:
    """What is said instead of an answer."""
    with pytest.raises(NoAnswer) as none:
        asked(url)
    return str(none.value)


class TestTheRequest:
    def test_a_get_is_sent_once_and_as_it_is_given(self, site: Site) -> None:
        site.says(ok(b"{}"))
        target = "/v3/pay?a=%E4%B8%AD%2F&b=1+2&sign=x%3D%3D~"

        asked(site.origin + target, headers={"Accept": "application/json", "Authorization": "A b"})

        (question,) = site.asked
        assert question.line == f"GET {target} HTTP/1.1"
        assert question.body == b""
        assert question.headers == {
            "host": f"127.0.0.1:{site.port}",
            "accept": "application/json",
            "accept-encoding": "identity",
            "authorization": "A b",
            "connection": "close",
            "user-agent": "course-payments",
        }

    def test_a_post_is_sent_once_and_as_it_is_given(self, site: Site) -> None:
        site.says(ok(b"{}"))
        body = '{"description":"课程"}'

        asked(site.origin + "/v3/pay", "POST", body, {"Content-Type": "application/json"})

        (question,) = site.asked
        assert question.line == "POST /v3/pay HTTP/1.1"
        assert question.body == body.encode()
        assert question.headers["content-type"] == "application/json"

    @pytest.mark.parametrize("target", ["/%7e", "/a%2fb", "/a b", "/中", "?a=b", "/a/../b", "/|"])
    def test_an_address_that_would_be_sent_in_another_spelling_is_not_sent(
        self, site: Site, target: str
    ) -> None:
        assert why_not(site.origin + target) == "the address would be changed on its way"

        assert site.asked == []

    @pytest.mark.parametrize("url", ["", "nowhere", "file:///etc/hostname", "ftp://127.0.0.1/"])
    def test_what_is_no_address_of_http_is_not_asked(self, url: str) -> None:
        with pytest.raises(NoAnswer):
            asked(url)

    def test_neither_a_proxy_nor_a_password_of_the_environment_is_used(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        netrc = tmp_path_factory.mktemp("home") / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password something\n", "utf-8")
        monkeypatch.setenv("NETRC", str(netrc))
        site.says(ok(b"here"))

        assert asked(site.origin + "/").body == b"here"

        assert "authorization" not in site.asked[0].headers


class TestTheAnswer:
    def test_it_has_status_headers_and_body(self, site: Site) -> None:
        site.says(ok(b"here", "Wechatpay-Serial: PUB"))

        answer = asked(site.origin + "/")

        assert (answer.status, answer.body) == (200, b"here")
        assert answer.headers["wechatpay-serial"] == "PUB"

    def test_it_may_be_a_refusal_or_nothing_at_all(self, site: Site) -> None:
        site.says(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        assert asked(site.origin + "/").body == b"no"

        site.says(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert asked(site.origin + "/") == Answer(204, {}, b"")

    def test_a_redirect_is_an_answer(self, site: Site) -> None:
        site.says(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

        assert asked(site.origin + "/").status == 302

        assert len(site.asked) == 1

    def test_it_is_not_unpacked(self, site: Site) -> None:
        packed = gzip.compress(b"here")
        site.says(ok(packed, "Content-Encoding: gzip"))

        assert asked(site.origin + "/").body == packed

    def test_it_may_come_in_chunks(self, site: Site) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        site.says(head, b"3\r\nhal\r\n", b"1\r\nf\r\n", b"0\r\n\r\n")

        assert asked(site.origin + "/").body == b"half"

    def test_just_the_most_is_not_too_much(self, site: Site) -> None:
        site.says(ok(b"x" * MOST))

        assert len(asked(site.origin + "/").body) == MOST

    def test_a_body_beyond_the_most_is_not_kept(self, site: Site) -> None:
        site.says(ok(b"x" * (MOST + 1)))

        assert why_not(site.origin + "/") == "the answer is too long"

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (b"", "RemoteDisconnected"),
            (b"HTTP/1.1 20", "BadStatusLine"),
            (b"somebody@example.com\r\n\r\n", "BadStatusLine"),
            (ok(b"half", length=8), "IncompleteRead"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                "ProtocolError",
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "InvalidChunkLength"),
        ],
    )
    def test_what_is_not_whole_is_none(self, site: Site, said: bytes, why: str) -> None:
        site.says(said)

        assert why_not(site.origin + "/") == why


class TestFetching:
    def test_a_body_is_fetched(self, site: Site) -> None:
        site.says(ok(b"here"))

        assert fetch(site.origin + "/", limit=Deadline.after(10), most_bytes=MOST) == b"here"

    @pytest.mark.parametrize("status", [201, 204, 206, 302, 404, 500, 503])
    def test_nothing_is_fetched_with_another_status(self, site: Site, status: int) -> None:
        site.says(b"HTTP/1.1 %d some words\r\nContent-Length: 0\r\n\r\n" % status)

        with pytest.raises(NoAnswer) as none:
            fetch(site.origin + "/", limit=Deadline.after(10), most_bytes=MOST)

        assert str(none.value) == f"HTTP {status}"


class TestDiscretion:
    @pytest.mark.parametrize(
        "said",
        [
            ok(b"{}"),
            b"",
            f"{SECRET}\r\n\r\n".encode(),
            ok(b"{}", "no header at all"),
            ok(b"", length=9),
        ],
    )
    def test_no_address_is_logged_or_in_an_exception(
        self, site: Site, said: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        site.says(said)
        shown = ""

        for url in (site.origin, "http://127.0.0.1:1", f"http://{SECRET}.invalid"):
            try:
                asked(f"{url}/token?secret={SECRET}")
            except NoAnswer as error:
                shown += "".join(traceback.format_exception(error)) + repr(error)

        assert SECRET not in shown
        assert "refused" in shown.lower()
        assert caplog.text == ""

    def test_others_who_use_the_same_library_are_still_heard(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        site.says(ok(b"{}"))
        asked(site.origin + "/")

        logging.getLogger("urllib3.connectionpool").debug("of others")

        assert caplog.messages == ["of others"]

    def test_what_the_caller_was_busy_with_is_not_the_reason(self) -> None:
        try:
            raise FileNotFoundError
        except FileNotFoundError:
            assert why_not("http://127.0.0.1:1/") == "ConnectionRefusedError"
