from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.local.front.behind import ISSUER, PAGE, Site, site_in


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


@pytest.mark.parametrize(
    ("target", "content_type", "content"),
    [
        ("/h5/", "text/html; charset=utf-8", PAGE),
        ("/h5/?x=1", "text/html; charset=utf-8", PAGE),
        ("/h5/index.html?id=1002", "text/html; charset=utf-8", PAGE),
        ("/h5/style.css", "text/css; charset=utf-8", "body{}"),
        ("/h5/js/api.js", "text/javascript; charset=utf-8", "export {};"),
        ("/h5/js/%61pi.js", "text/javascript; charset=utf-8", "export {};"),
    ],
)
def test_a_file_is_served_with_its_type(
    site: Site, target: str, content_type: str, content: str
) -> None:
    status, headers, body = site.get(target)
    assert (status, headers["Content-Type"], body) == (200, content_type, content)
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert site.api.asked == []


def test_a_page_may_load_and_ask_nothing_but_its_own_and_the_issuer(site: Site) -> None:
    _, headers, _ = site.get("/h5/")
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {ISSUER}; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.html",
        "js",
        "js/",
        "notes.txt",
        ".hidden.html",
        "../secret.html",
        "js/../../secret.html",
        "%2e%2e/secret.html",
        "..%2fsecret.html",
        "%2e%2e%2fsecret.html",
        "..%5csecret.html",
        "..\\secret.html",
        "js/../index.html",
        "./index.html",
        "/index.html",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "index.html%00",
        "index.html%0a",
        "index.html/",
        "index.html/.",
        "%ff.html",
        "a" * 5000 + ".html",
    ],
)
def test_what_is_no_file_of_the_h5_is_not_found(site: Site, path: str) -> None:
    status, _, body = site.get(f"/h5/{path}")
    assert (status, body) == (404, "NOT_FOUND")
    assert site.api.asked == []


def test_a_link_out_of_the_folder_leads_nowhere(site: Site, tmp_path: Path) -> None:
    (site.folder / "way.html").symlink_to(tmp_path / "secret.html")
    (site.folder / "out").symlink_to(tmp_path)
    assert site.get("/h5/way.html")[0] == 404
    assert site.get("/h5/out/secret.html")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_files_are_only_read(site: Site, method: str) -> None:
    assert site.get("/h5/index.html", method=method)[0] == 404
    assert site.get("/h5/config.json", method=method)[0] == 404


def test_a_browser_that_has_the_file_is_told_so(site: Site) -> None:
    etag = site.get("/h5/style.css")[1]["ETag"]
    for has in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        status, headers, body = site.get("/h5/style.css", if_none_match=has)
        assert (status, headers["ETag"], body) == (304, etag, "")
    (site.folder / "style.css").write_text("body{color:red}")
    status, headers, body = site.get("/h5/style.css", if_none_match=etag)
    assert (status, body) == (200, "body{color:red}")
    assert headers["ETag"] != etag


def test_the_config_names_issuer_and_client(site: Site) -> None:
    status, headers, body = site.get("/h5/config.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {
        "issuer": ISSUER,
        "clientId": "course-payments-h5",
        "scope": "openid profile",
        "audience": "api",
    }


@pytest.mark.parametrize("target", ["/", "/?a=1", "/h5", "/h5?a=1"])
def test_the_bare_address_leads_to_the_h5(site: Site, target: str) -> None:
    status, headers, _ = site.get(target)
    assert (status, headers["Location"]) == (302, "/h5/")


@pytest.mark.parametrize("target", ["/orders/requestpay?x=1", "/h5x/", "/health", "/h5%2f"])
def test_all_else_is_the_api(site: Site, target: str) -> None:
    status, headers, body = site.get(target, user_agent="mine")
    assert (status, headers["ETag"]) == (200, '"api"')
    [asked] = site.api.asked
    assert (asked.target, dict(asked.headers)) == (target, {"user-agent": "mine"})
    assert body.encode() == site.api.page
