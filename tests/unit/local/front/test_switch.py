from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import pytest

from chalicelib.orders.pages.browser import Browser, browser_of
from infra.local.front.kinds import Kind
from tests.unit.local.front.behind import Site, site_in

SEEN_BY_THE_API = {
    "wechat": Browser.WECHAT,
    "alipay": Browser.ALIPAY,
    "phone": Browser.MOBILE,
    "desktop": Browser.DESKTOP,
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


@pytest.mark.parametrize("kind", Kind)
def test_a_choice_is_kept_in_a_cookie_and_leads_on(site: Site, kind: str) -> None:
    status, headers, _ = site.get(f"/_local/browser?as={kind}&to=/h5/course.html%3Fid%3D1002")
    assert (status, headers["Location"]) == (303, "/h5/course.html?id=1002")
    cookie = SimpleCookie(headers["Set-Cookie"])["_browser"]
    assert (cookie.value, cookie["path"], cookie["httponly"]) == (kind, "/", True)
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(("kind", "seen"), SEEN_BY_THE_API.items())
def test_the_api_sees_the_browser_that_was_chosen(site: Site, kind: str, seen: Browser) -> None:
    site.get("/orders/requestpay", cookie=f"a=1; _browser={kind}", USER_AGENT="own", accept="x")
    [asked] = site.api.asked
    agents = [value for name, value in asked.headers if name.lower() == "user-agent"]
    assert [browser_of(agent) for agent in agents] == [seen]
    assert ("accept", "x") in asked.headers


def test_each_kind_can_be_chosen() -> None:
    assert SEEN_BY_THE_API.keys() == {kind.value for kind in Kind}


def test_a_browser_can_be_itself_again(site: Site) -> None:
    status, headers, _ = site.get("/_local/browser?as=itself&to=/h5/my.html")
    assert (status, headers["Location"]) == (303, "/h5/my.html")
    assert SimpleCookie(headers["Set-Cookie"])["_browser"]["max-age"] == "0"


@pytest.mark.parametrize(
    "cookie", ["", "other=wechat", "_browser=", "_browser=tv", "_browser=\x01"]
)
def test_without_a_choice_a_browser_is_what_it_says(site: Site, cookie: str) -> None:
    site.get("/health", cookie=cookie, user_agent="own")
    assert dict(site.api.asked[0].headers)["user-agent"] == "own"


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "h5/",
        "/h5/\r\nSet-Cookie: a=1",
        "/课程",
        "",
    ],
)
def test_the_way_on_stays_on_this_site(site: Site, to: str) -> None:
    _, headers, _ = site.get(f"/_local/browser?as=phone&to={quote(to)}")
    assert headers["Location"] == "/h5/"


@pytest.mark.parametrize("query", ["", "?as=tv"])
def test_without_a_choice_the_address_is_a_page_of_choices(site: Site, query: str) -> None:
    status, headers, body = site.get(f"/_local/browser{query}")
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "Set-Cookie" not in headers
    for kind in Kind:
        assert f'href="/_local/browser?as={kind}&amp;to=%2Fh5%2F"' in body
