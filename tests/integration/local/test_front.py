from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ISSUER = "http://127.0.0.1:9001"


@pytest.fixture(scope="module")
def h5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("h5")
    (folder / "index.html").write_text("<html><head></head><body>课程</body></html>", "utf-8")
    return folder


@pytest.fixture(scope="module")
def http(h5_folder: Path) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "infra.local.aws.gateway", "--port", "0"]
    command += ["--app", "tests.integration.local.sample_app:app", "--h5", str(h5_folder)]
    settings = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": "api", "H5_CLIENT_ID": "ours-elsewhere"}
    environment = {name: value for name, value in os.environ.items() if name != "LOCAL_BROWSER_BAR"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment | settings
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ready ").strip()
        try:
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield client
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_h5_and_api_are_of_one_origin(http: httpx.Client) -> None:
    assert "课程" in http.get("/", follow_redirects=True).text
    assert http.get("/items/1").status_code == 200


def test_a_head_request_has_the_headers_alone(http: httpx.Client) -> None:
    page, head = http.get("/h5/index.html"), http.head("/h5/index.html")
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Content-Security-Policy"):
        assert head.headers[name] == page.headers[name]


def test_what_the_browser_has_is_not_sent_again_and_the_connection_stays(
    http: httpx.Client,
) -> None:
    etag = http.get("/h5/").headers["ETag"]
    answer = http.get("/h5/", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert "Content-Length" not in answer.headers
    assert http.get("/h5/").status_code == 200


def test_an_edit_shows_at_once(http: httpx.Client, h5_folder: Path) -> None:
    (h5_folder / "new.css").write_text("a{}")
    assert http.get("/h5/new.css").text == "a{}"
    (h5_folder / "new.css").write_text("b{}")
    assert http.get("/h5/new.css").text == "b{}"


def test_the_config_is_made_from_settings(http: httpx.Client) -> None:
    config = http.get("/h5/config.json").json()
    assert (config["issuer"], config["clientId"]) == (ISSUER, "ours-elsewhere")
    assert config["audience"] == "api"


def test_a_missing_file_is_refused_in_our_shape(http: httpx.Client) -> None:
    answer = http.get("/h5/nothing.html")
    assert (answer.status_code, answer.json()["errCode"]) == (404, "NOT_FOUND")


def test_a_browser_stays_what_it_chose_to_be(http: httpx.Client) -> None:
    with httpx.Client(base_url=http.base_url, timeout=30, trust_env=False) as browser:
        assert "localBrowser(" not in browser.get("/h5/").text
        page = browser.get("/_local/browser?as=wechat&to=/h5/", follow_redirects=True)
        assert "MicroMessenger" in page.text
        browser.get("/_local/browser?as=itself&to=/h5/")
        assert "localBrowser(" not in browser.get("/h5/").text
