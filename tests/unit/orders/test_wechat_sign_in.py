"""The way through WeChat's OAuth: only the browser that began it comes back, and not for ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelUnavailable, InvalidLink
from chalicelib.orders.model import PayNo
from chalicelib.orders.pages.links import LinkSigner
from chalicelib.orders.pages.oauth_ticket import COOKIE, LIFE, OAuthTickets
from chalicelib.orders.pages.wechat_sign_in import (
    MOST_RESTARTS,
    Departure,
    NotSignedIn,
    SignedIn,
    WeChatSignIn,
)
from chalicelib.orders.wechat.oauth import CodeNotUsable
from tests.builders import PAY_NO
from tests.fakes.clock import START, FakeClock

BASE = "https://pay.example/prod"
OPENID = "oTestPayerA0000000000000001x"


class FakeOAuth:
    """Implements the ``OAuth`` of ``wechat_sign_in``: each code says once who the payer is."""

    def __init__(self) -> None:
        self.codes = {"good": OPENID}
        self.exchanged: list[str] = []
        self.answers = True

    def authorize_url(self, state: str) -> str:
        return f"https://open.weixin.example/connect/oauth2/authorize?state={state}#wechat_redirect"

    def openid(self, code: str, deadline: Deadline) -> str:
        self.exchanged.append(code)
        if not self.answers:
            raise ChannelUnavailable
        if code not in self.codes:
            raise CodeNotUsable
        return self.codes.pop(code)


class FirstUse:
    """Knows each state once."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def __call__(self, state: str) -> bool:
        is_first = state not in self._used
        self._used.add(state)
        return is_first


class Browser:
    """Keeps cookies, and is sent to WeChat and back."""

    def __init__(self, sign_in: WeChatSignIn) -> None:
        self.sign_in = sign_in
        self.cookies = ""
        self.state = ""

    def depart(self, pay_no: PayNo = PAY_NO) -> Browser:
        return self.follow(self.sign_in.begin(pay_no))

    def follow(self, departure: Departure) -> Browser:
        (self.state,) = parse_qs(urlsplit(departure.location).query)["state"]
        self.cookies = departure.set_cookie.partition(";")[0]
        return self

    def come_back(self, code: str) -> SignedIn | Departure | NotSignedIn:
        ticket = self.sign_in.ticket(self.cookies, self.state)
        return self.sign_in.arrive(ticket, code, Deadline.after(8))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def oauth() -> FakeOAuth:
    return FakeOAuth()


@pytest.fixture
def links(clock: FakeClock) -> LinkSigner:
    return LinkSigner({"2026": b"b" * 32}, clock)


@pytest.fixture
def sign_in(clock: FakeClock, oauth: FakeOAuth, links: LinkSigner) -> WeChatSignIn:
    return WeChatSignIn(oauth, OAuthTickets(links, clock, BASE), FirstUse())


@pytest.fixture
def browser(sign_in: WeChatSignIn) -> Browser:
    return Browser(sign_in)


def test_who_began_it_comes_back_as_somebody(browser: Browser) -> None:
    assert browser.depart().come_back("good") == SignedIn(OPENID)
    assert browser.sign_in.ticket(browser.cookies, browser.state).pay_no == PAY_NO


def test_the_state_is_what_wechat_carries_and_new_each_time(sign_in: WeChatSignIn) -> None:
    states = [Browser(sign_in).depart().state for _ in range(20)]

    assert len(set(states)) == 20
    assert all(re.fullmatch(r"[0-9A-Za-z]{32,128}", state) for state in states)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(sign_in: WeChatSignIn) -> None:
    cookie = SimpleCookie(sign_in.begin(PAY_NO).set_cookie)[COOKIE]

    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/prod/orders"
    assert int(cookie["max-age"]) == LIFE.total_seconds() <= 600
    assert cookie["domain"] == ""


def test_a_workshop_without_https_gets_its_cookie_back(
    oauth: FakeOAuth, links: LinkSigner, clock: FakeClock
) -> None:
    tickets = OAuthTickets(links, clock, "http://127.0.0.1:8000")

    cookie = SimpleCookie(WeChatSignIn(oauth, tickets, FirstUse()).begin(PAY_NO).set_cookie)[COOKIE]

    assert cookie["secure"] == ""
    assert cookie["path"] == "/orders"


def test_a_state_of_another_browser_is_refused_and_nobody_is_asked(
    sign_in: WeChatSignIn, oauth: FakeOAuth
) -> None:
    attacker, victim = Browser(sign_in).depart(), Browser(sign_in).depart()
    victim.state = attacker.state

    with pytest.raises(InvalidLink, match="微信授权已失效"):
        victim.come_back("good")
    assert oauth.exchanged == []


@pytest.mark.parametrize("cookies", ["", "a=b", f"{COOKIE}=", f"{COOKIE}=x.y.z", COOKIE, ";;=;"])
def test_a_scanner_without_a_ticket_is_refused_and_nobody_is_asked(
    browser: Browser, oauth: FakeOAuth, cookies: str
) -> None:
    browser.depart().cookies = cookies

    with pytest.raises(InvalidLink):
        browser.come_back("good")
    assert oauth.exchanged == []


@pytest.mark.parametrize("state", ["", "x", "\ud800", "支付", "0" * 32])
def test_a_strange_state_is_refused(browser: Browser, oauth: FakeOAuth, state: str) -> None:
    browser.depart().state = state

    with pytest.raises(InvalidLink):
        browser.come_back("good")
    assert oauth.exchanged == []


def test_a_ticket_expires(browser: Browser, clock: FakeClock, oauth: FakeOAuth) -> None:
    browser.depart()
    clock.advance(seconds=LIFE.total_seconds())

    with pytest.raises(InvalidLink, match="expired"):
        browser.come_back("good")
    assert oauth.exchanged == []


def _with_another_payment(subject: str) -> str:
    return subject.replace(PAY_NO, "150000000000000002")


def _with_more_restarts_left(subject: str) -> str:
    return subject.replace(f"{PAY_NO}.2.", f"{PAY_NO}.0.")


def _with_a_nonce_of_ones(subject: str) -> str:
    return re.sub(r"[0-9a-f]{32}", "1" * 32, subject)


@pytest.mark.parametrize(
    "change", [_with_another_payment, _with_more_restarts_left, _with_a_nonce_of_ones]
)
def test_a_ticket_cannot_be_made_by_a_browser(
    links: LinkSigner, clock: FakeClock, change: Callable[[str], str]
) -> None:
    tickets = OAuthTickets(links, clock, BASE)
    ticket, set_cookie = tickets.issue(PAY_NO, restarts=2)
    forged = change(set_cookie.partition(";")[0])
    assert forged not in set_cookie

    with pytest.raises(InvalidLink):
        tickets.read(forged, ticket.state)
    with pytest.raises(InvalidLink):
        tickets.read(forged, "1" * 32)


@pytest.mark.parametrize("purpose", ["pay", "open"])
def test_another_signature_of_ours_makes_no_ticket(
    links: LinkSigner, clock: FakeClock, purpose: str
) -> None:
    subject = f"{PAY_NO}.0.{'1' * 32}"
    sign = links.sign("pay" if purpose == "pay" else "open", subject, START + LIFE)

    with pytest.raises(InvalidLink, match="wrong signature"):
        OAuthTickets(links, clock, BASE).read(f"{COOKIE}={subject}.{sign}", "1" * 32)


def test_cookies_of_others_do_not_stand_in_the_way(browser: Browser) -> None:
    browser.depart()
    browser.cookies = f"a=b; {COOKIE}=stale; {browser.cookies}; c"

    assert browser.come_back("good") == SignedIn(OPENID)


def test_a_payer_who_says_no_is_nobody_and_wechat_is_not_asked(
    browser: Browser, oauth: FakeOAuth
) -> None:
    assert browser.depart().come_back("") == NotSignedIn()
    assert oauth.exchanged == []


def test_a_used_code_begins_again_under_another_state(browser: Browser, oauth: FakeOAuth) -> None:
    first = browser.depart().state
    browser.come_back("good")

    again = browser.come_back("good")

    assert isinstance(again, Departure)
    assert browser.follow(again).state != first
    oauth.codes["new"] = OPENID
    assert browser.come_back("new") == SignedIn(OPENID)


def test_a_state_is_dead_once_it_was_begun_again(browser: Browser, oauth: FakeOAuth) -> None:
    first = browser.depart().state
    again = browser.come_back("used")
    assert isinstance(again, Departure)
    browser.follow(again)
    oauth.exchanged.clear()

    browser.state = first
    with pytest.raises(InvalidLink):
        browser.come_back("good")
    assert oauth.exchanged == []


def test_one_ticket_asks_wechat_once_whatever_codes_come_along(
    browser: Browser, oauth: FakeOAuth
) -> None:
    browser.depart()
    for number in range(20):
        browser.come_back(f"junk{number}")
    assert oauth.exchanged == ["junk0"]


def test_it_begins_again_so_often_and_no_more(browser: Browser, oauth: FakeOAuth) -> None:
    browser.depart()
    for _ in range(MOST_RESTARTS):
        again = browser.come_back("used")
        assert isinstance(again, Departure)
        browser.follow(again)

    assert browser.come_back("used") == NotSignedIn()
    assert oauth.exchanged == ["used"] * (MOST_RESTARTS + 1)


def test_a_silence_of_wechat_is_no_verdict_on_the_code(browser: Browser, oauth: FakeOAuth) -> None:
    oauth.answers = False

    with pytest.raises(ChannelUnavailable):
        browser.depart().come_back("good")


def test_the_payer_stands_in_no_address_and_no_cookie(browser: Browser) -> None:
    browser.depart()
    browser.come_back("good")
    again = browser.come_back("good")

    assert isinstance(again, Departure)
    assert OPENID not in again.location + again.set_cookie
    assert "good" not in again.location + again.set_cookie
