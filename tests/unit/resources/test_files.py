"""Links to the files of materials: where they lead, what they say, and what is never signed."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest

from chalicelib.errors import Unavailable
from chalicelib.resources.files import S3MaterialFiles
from chalicelib.settings import Settings, SettingsError

ROOT = Path(__file__).parents[3]
BUCKET = "school-materials"
KEY = "materials/7001/notes.pdf"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session-token")


def files(region: str = "ap-southeast-1", **env: str) -> S3MaterialFiles:
    given = {"AWS_REGION": region, "MATERIALS_BUCKET": BUCKET, **env}
    return S3MaterialFiles(Settings.from_env(given))


def link(store: S3MaterialFiles, key: str = KEY, **how: object) -> str:
    usual = {
        "file_name": "notes.pdf",
        "media_type": "application/pdf",
        "valid_for": timedelta(minutes=5),
    }
    return store.link(key, **{**usual, **how})  # type: ignore[arg-type]


def split(url: str) -> tuple[SplitResult, dict[str, str]]:
    parts = urlsplit(url)
    query = parse_qs(parts.query, strict_parsing=True)
    return parts, {name: value for name, [value] in query.items()}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("ap-southeast-1", f"{BUCKET}.s3.ap-southeast-1.amazonaws.com"),
        ("us-east-1", f"{BUCKET}.s3.us-east-1.amazonaws.com"),
        ("cn-north-1", f"{BUCKET}.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_link_leads_to_the_bucket_in_its_own_region(region: str, host: str) -> None:
    parts, query = split(link(files(region)))

    assert (parts.scheme, parts.netloc, parts.path) == ("https", host, f"/{KEY}")
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].endswith(f"/{region}/s3/aws4_request")
    assert query["X-Amz-Security-Token"] == "a-session-token"


def test_an_emulator_gets_the_bucket_in_the_path() -> None:
    parts, _ = split(link(files("us-east-1", S3_ENDPOINT_URL="http://127.0.0.1:9000")))

    assert (parts.scheme, parts.netloc) == ("http", "127.0.0.1:9000")
    assert parts.path == f"/{BUCKET}/{KEY}"


def test_only_settings_say_where_s3_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n  addressing_style = path\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.example")
    monkeypatch.setenv("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "legacy")

    assert split(link(files("us-east-1")))[0].netloc == f"{BUCKET}.s3.us-east-1.amazonaws.com"


def test_a_link_downloads_as_an_attachment_of_its_type() -> None:
    _, query = split(link(files()))

    assert query["response-content-disposition"] == (
        "attachment; filename=\"notes.pdf\"; filename*=UTF-8''notes.pdf"
    )
    assert query["response-content-type"] == "application/pdf"


@pytest.mark.parametrize("seconds", [1, 60, 300])
def test_a_link_is_good_for_as_long_as_was_asked(seconds: int) -> None:
    _, query = split(link(files(), valid_for=timedelta(seconds=seconds)))

    assert query["X-Amz-Expires"] == str(seconds)


@pytest.mark.parametrize("seconds", [-1, 0, 0.9, 300.1, 301, 604_800])
def test_no_link_is_good_for_longer_than_five_minutes(seconds: float) -> None:
    with pytest.raises(ValueError, match="a link for"):
        link(files(), valid_for=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "materials",
        "materials/",
        "/materials/7001/notes.pdf",
        "backups/orders.json",
        "materials-of-others/notes.pdf",
        "Materials/7001/notes.pdf",
        "materials/../backups/orders.json",
        "materials/7001/./notes.pdf",
        "materials//notes.pdf",
        "materials/7001/",
        "materials/..\\backups\\orders.json",
        "materials/7001/notes.pdf\n",
        "materials/\ud800",
        f"materials/{'n' * 1015}",
    ],
)
def test_nothing_outside_the_prefix_is_signed_or_stored(key: str) -> None:
    store = files(S3_ENDPOINT_URL="http://127.0.0.1:9")

    with pytest.raises(ValueError, match="not the key"):
        link(store, key)
    with pytest.raises(ValueError, match="not the key"):
        store.put(key, b"content", "application/pdf")


def test_the_prefix_is_the_deployments() -> None:
    store = files(MATERIALS_PREFIX="files/of/materials/")

    assert split(link(store, "files/of/materials/1"))[0].path == "/files/of/materials/1"
    with pytest.raises(ValueError, match="not the key"):
        link(store, KEY)


def test_a_key_may_be_written_in_chinese_and_means_itself() -> None:
    parts, _ = split(link(files(), "materials/讲义 100%.pdf"))

    assert parts.path == "/materials/%E8%AE%B2%E4%B9%89%20100%25.pdf"


@pytest.mark.parametrize("media_type", ["", "pdf", "/pdf", "application/", "text/plain\r\nX: y"])
def test_what_is_no_media_type_is_refused(media_type: str) -> None:
    store = files(S3_ENDPOINT_URL="http://127.0.0.1:9")

    with pytest.raises(ValueError, match="not a media type"):
        link(store, media_type=media_type)
    with pytest.raises(ValueError, match="not a media type"):
        store.put(KEY, b"content", media_type)


def test_a_link_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    store = files()

    def connect(*_: object) -> None:
        raise AssertionError("it went to the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert link(store)


def test_without_credentials_there_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    with pytest.raises(Unavailable):
        link(files())


def test_an_s3_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        store = files(S3_ENDPOINT_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable):
            store.put(KEY, b"content", "application/pdf")


def test_a_deployment_without_a_bucket_says_so() -> None:
    with pytest.raises(SettingsError, match="MATERIALS_BUCKET"):
        files(MATERIALS_BUCKET="")


def test_no_log_has_what_a_link_is_made_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, query = split(link(files()))

    assert len(query["X-Amz-Signature"]) == 64
    for part in (query["X-Amz-Signature"], "X-Amz-Signature", "a-session-token", KEY):
        assert part not in caplog.text


def test_a_process_that_logs_all_it_can_does_not_log_a_link() -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import logging; logging.basicConfig(level='DEBUG');"
            "from tests.unit.resources.test_files import files, link; print(link(files()))",
        ],
        cwd=ROOT,
        env={**os.environ, "POWERTOOLS_LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    signature = split(told.stdout.strip())[1]["X-Amz-Signature"]
    assert signature not in told.stderr
    assert KEY not in told.stderr
