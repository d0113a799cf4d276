from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.local.front.kinds import Kind
from infra.local.front.policy import widened
from tests.unit.local.front.behind import (
    BRIDGE,
    ISSUER,
    PAGE,
    PAGE_OF_API,
    POLICY_OF_API,
    Site,
    site_in,
)

PAGES = ["/h5/", "/h5/index.html", "/orders/requestpay?payNo=7"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


def directives(headers: dict[str, str]) -> dict[str, str]:
    policy = headers["Content-Security-Policy"]
    return dict(directive.strip().split(" ", 1) for directive in policy.split(";"))


def nonce_in(body: str) -> str:
    nonces = set(re.findall(r'<script nonce="([^"]+)"', body))
    assert len(nonces) == 1
    return nonces.pop()


@pytest.mark.parametrize("target", PAGES)
def test_pages_are_as_deployed_to_whoever_never_used_the_switch(site: Site, target: str) -> None:
    _, headers, body = site.get(target)
    assert body in (PAGE, PAGE_OF_API)
    assert "local" not in body
    assert "nonce" not in headers["Content-Security-Policy"].replace(POLICY_OF_API, "")
    assert "ETag" in headers


@pytest.mark.parametrize("target", PAGES)
@pytest.mark.parametrize("kind", Kind)
def test_a_page_believes_to_be_in_the_browser_that_was_chosen(
    site: Site, target: str, kind: Kind
) -> None:
    _, headers, body = site.get(target, cookie=f"_browser={kind}")
    assert f'"userAgent":"{kind.user_agent}"' in body
    assert f'"current":"{kind.value}"' in body
    assert f"'nonce-{nonce_in(body)}'" in directives(headers)["script-src"]
    # before any script of the page
    assert body.index("localBrowser(") < body.index("<title>")


def test_the_rest_of_the_page_and_of_its_policy_stays(site: Site) -> None:
    _, before, plain = site.get("/h5/")
    _, after, body = site.get("/h5/", cookie="_browser=phone")
    assert re.sub(r"<script nonce=.*</script>", "", body, flags=re.DOTALL) == plain
    changed = {n for n, v in directives(after).items() if v != directives(before)[n]}
    assert changed == {"script-src"}
    assert directives(after)["connect-src"] == f"'self' {ISSUER}"


@pytest.mark.parametrize("target", PAGES)
def test_in_wechat_a_page_has_its_object_and_may_ask_for_it(site: Site, target: str) -> None:
    _, before, _ = site.get(target)
    _, after, body = site.get(target, cookie="_browser=wechat")
    assert f'<script nonce="{nonce_in(body)}" src="{BRIDGE}"></script>' in body
    origin = BRIDGE.removesuffix("/_bridge.js")
    assert origin in directives(after)["connect-src"].split()
    changed = {n for n, v in directives(after).items() if v != directives(before).get(n)}
    assert changed == {"script-src", "connect-src"}


def test_no_other_page_and_no_other_browser_has_wechats_object(site: Site) -> None:
    for target, kind in (("/other", "wechat"), ("/h5/", "phone"), ("/orders/x", "alipay")):
        _, headers, body = site.get(target, cookie=f"_browser={kind}")
        assert "localBrowser(" in body
        assert BRIDGE not in body
        assert "9003" not in headers["Content-Security-Policy"]


def test_without_a_simulator_there_is_no_object(tmp_path: Path) -> None:
    _, headers, body = site_in(tmp_path, bridge="").get("/h5/", cookie="_browser=wechat")
    assert "_bridge.js" not in body
    assert directives(headers)["connect-src"] == f"'self' {ISSUER}"


def test_a_page_that_is_dressed_is_never_kept(site: Site) -> None:
    etag = site.get("/h5/")[1]["ETag"]
    status, headers, _ = site.get("/h5/", cookie="_browser=phone", if_none_match=etag)
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in headers


def test_no_nonce_comes_twice(site: Site) -> None:
    nonces = {nonce_in(site.get("/h5/", cookie="_browser=phone")[2]) for _ in range(10)}
    assert len(nonces) == 10


def test_the_bar_is_on_every_page_when_it_is_asked_for(tmp_path: Path) -> None:
    site = site_in(tmp_path, bar=True)
    for target in PAGES:
        _, _, body = site.get(target)
        assert '"current":"itself"' in body
        assert '"userAgent":""' in body
        assert all(f"as={kind}&to=" in body for kind in (*Kind, "itself"))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/svg+xml"])
def test_what_is_no_page_stays_as_it_is(site: Site, content_type: str) -> None:
    site.api.content_type = content_type
    _, headers, body = site.get("/orders/x", cookie="_browser=wechat")
    assert body.encode() == site.api.page
    assert headers["Content-Security-Policy"] == POLICY_OF_API
    assert site.get("/h5/style.css", cookie="_browser=wechat")[2] == "body{}"


def test_what_the_api_sets_is_kept(site: Site) -> None:
    _, headers, _ = site.get("/orders/x", cookie="_browser=wechat")
    assert headers["Set-Cookie"] == "a=1"


@pytest.mark.parametrize(
    ("policy", "wide"),
    [
        ("script-src 'self'", "script-src 'self' x"),
        ("script-src 'none'", "script-src x"),
        ("SCRIPT-SRC 'self';", "script-src 'self' x"),
        ("default-src 'none'", "default-src 'none'; script-src x"),
        ("default-src 'self'; img-src *", "default-src 'self'; img-src *; script-src 'self' x"),
        ("script-src x", "script-src x"),
        ("script-src 'self'; script-src *", "script-src 'self' x"),
        ("img-src 'self'", "img-src 'self'"),
        ("", ""),
    ],
)
def test_a_policy_is_widened_only_as_far_as_needed(policy: str, wide: str) -> None:
    assert widened(policy, {"script-src": ("x",)}) == wide
