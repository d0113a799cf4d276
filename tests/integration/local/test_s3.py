"""A file of a material on its way: stored, linked, downloaded, and refused to all others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.http import parse_options_header

from chalicelib.errors import Unavailable
from chalicelib.resources.files import S3MaterialFiles
from chalicelib.settings import Settings
from infra.local.stack import Stack
from tests.integration.local.listening import addresses_of_group

KEY = "materials/7001/讲义 (1).pdf"
NAME = "高等数学（上册）讲义.pdf"
CONTENT = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = {"S3_ENDPOINT_URL": "", "DYNAMODB_ENDPOINT_URL": "", "AWS_REGION": "ap-southeast-1"}
    with (
        Stack(tmp_path_factory.mktemp("s3"), own, only=("objects", "s3")) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in running.env.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield running


@pytest.fixture
def files(stack: Stack) -> S3MaterialFiles:
    store = S3MaterialFiles(Settings.from_env(stack.env))
    store.put(KEY, CONTENT, "application/pdf")
    return store


def link(files: S3MaterialFiles, key: str = KEY, *, seconds: float = 300) -> str:
    return files.link(
        key,
        file_name=NAME,
        media_type="application/pdf",
        valid_for=timedelta(seconds=seconds),
    )


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error of S3."""
    assert answer.headers["content-type"] == "application/xml"
    error = ElementTree.fromstring(answer.content)
    return answer.status_code, error.findtext("Code", ""), error.findtext("Message", "")


@contextmanager
def clock_ahead(stack: Stack, seconds: float) -> Iterator[None]:
    clock = f"{stack.s3_url}/_control/clock"
    httpx.post(clock, json={"ahead_seconds": seconds}, trust_env=False).raise_for_status()
    yield
    httpx.delete(clock, trust_env=False).raise_for_status()


def client(stack: Stack, **credentials: str):
    """The SDK, as whoever has credentials may use it."""
    usual = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.Session().client(
        "s3",
        region_name="ap-southeast-1",
        endpoint_url=stack.s3_url,
        config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}),
        **{**usual, **credentials},
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_what_was_stored_is_downloaded_byte_for_byte_under_its_name(
    files: S3MaterialFiles,
) -> None:
    answer = get(link(files))

    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/pdf"
    kind, options = parse_options_header(answer.headers["content-disposition"])
    assert (kind, options["filename"]) == ("attachment", NAME)
    assert "access-control-allow-origin" not in answer.headers


def test_a_browser_may_ask_for_a_part(files: S3MaterialFiles) -> None:
    answer = get(link(files), Range="bytes=250-259")

    assert (answer.status_code, answer.content) == (206, CONTENT[250:260])


def test_the_same_key_again_replaces_the_file(files: S3MaterialFiles) -> None:
    files.put(KEY, b"second edition", "text/plain")

    assert get(link(files)).content == b"second edition"


def test_a_compressed_file_arrives_as_it_was_stored(files: S3MaterialFiles, stack: Stack) -> None:
    client(stack).put_object(
        Bucket=stack.env["MATERIALS_BUCKET"],
        Key="materials/packed.txt",
        Body=b"not unpacked",
        ContentEncoding="gzip",
    )

    with httpx.stream("GET", link(files, "materials/packed.txt"), trust_env=False) as answer:
        assert b"".join(answer.iter_raw()) == b"not unpacked"


def test_a_link_dies_after_its_time(files: S3MaterialFiles, stack: Stack) -> None:
    url = link(files, seconds=60)
    with clock_ahead(stack, 50):
        assert get(url).status_code == 200
    with clock_ahead(stack, 61):
        assert refusal(get(url)) == (403, "AccessDenied", "Request has expired")


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=300"),
        ("attachment", "inline"),
        ("application%2Fpdf", "text%2Fhtml"),
        ("materials/7001", "materials/7002"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Brange"),
    ],
)
def test_a_link_that_somebody_changed_opens_nothing(
    files: S3MaterialFiles, part: str, changed: str
) -> None:
    url = link(files, seconds=60)
    assert part in url
    answer = get(url.replace(part, changed))

    assert refusal(answer)[:2] == (403, "SignatureDoesNotMatch")
    assert CONTENT not in answer.content


def test_without_a_signature_there_is_nothing(files: S3MaterialFiles, stack: Stack) -> None:
    file = link(files).partition("?")[0]
    bucket = f"{stack.s3_url}/{stack.env['MATERIALS_BUCKET']}"

    for address in (file, bucket, f"{bucket}?list-type=2", f"{stack.s3_url}/"):
        assert refusal(get(address)) == (403, "AccessDenied", "Access Denied")
    for method in ("PUT", "POST", "DELETE", "PATCH", "OPTIONS"):
        assert httpx.request(method, file, trust_env=False).status_code == 403
    head = httpx.head(file, trust_env=False)
    assert (head.status_code, head.content) == (403, b"")


def test_the_key_neither_lists_nor_deletes_nor_leaves_its_prefix(
    files: S3MaterialFiles, stack: Stack
) -> None:
    s3, bucket = client(stack), stack.env["MATERIALS_BUCKET"]
    elsewhere = "backups/orders.json"
    for call in (
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: s3.list_buckets(),
        lambda: s3.delete_object(Bucket=bucket, Key=KEY),
        lambda: s3.get_object(Bucket=bucket, Key=elsewhere),
        lambda: s3.put_object(Bucket=bucket, Key=elsewhere, Body=b"x"),
        lambda: s3.get_object(Bucket="another-bucket", Key=KEY),
        lambda: s3.get_object_tagging(Bucket=bucket, Key=KEY),
        lambda: s3.copy_object(Bucket=bucket, Key=f"{KEY}.copy", CopySource=f"{bucket}/{KEY}"),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key=KEY),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert code(refused) == "AccessDenied"
    assert s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == CONTENT
    assert s3.head_object(Bucket=bucket, Key=KEY)["ContentLength"] == len(CONTENT)


def test_a_file_that_is_not_there_is_not_told_from_a_forbidden_one(
    files: S3MaterialFiles,
) -> None:
    answer = get(link(files, "materials/nothing"))

    assert refusal(answer) == (403, "AccessDenied", "Access Denied")


def test_credentials_of_others_store_nothing(stack: Stack) -> None:
    with pytest.raises(ClientError) as refused:
        client(stack, aws_secret_access_key="others").put_object(
            Bucket=stack.env["MATERIALS_BUCKET"], Key=KEY, Body=b"x"
        )
    assert code(refused) == "SignatureDoesNotMatch"


def test_a_clock_that_is_wrong_stores_nothing_and_is_told_so(
    files: S3MaterialFiles, stack: Stack
) -> None:
    with clock_ahead(stack, 3_600), pytest.raises(Unavailable) as refused:
        files.put(KEY, b"x", "text/plain")
    assert "RequestTimeTooSkewed" in refused.value.detail


def test_files_outlive_a_stop_of_gate_and_engine(files: S3MaterialFiles, stack: Stack) -> None:
    url = link(files)
    for part in ("s3", "objects"):
        stack.part(part).stop()
    for part in ("objects", "s3"):
        stack.part(part).start()

    assert get(url).content == CONTENT


def test_an_engine_that_is_down_is_an_error_of_s3(files: S3MaterialFiles, stack: Stack) -> None:
    url = link(files)
    engine = stack.part("objects")
    engine.stop()
    try:
        assert refusal(get(url))[:2] == (500, "InternalError")
        with pytest.raises(Unavailable):
            files.put(KEY, CONTENT, "application/pdf")
    finally:
        engine.start()


def test_no_log_has_what_a_link_is_made_of(files: S3MaterialFiles, stack: Stack) -> None:
    url = link(files)
    get(url)
    get(url.replace("X-Amz-Expires=300", "X-Amz-Expires=301"))
    logs = {part: stack.part(part).log_path.read_text("utf-8") for part in ("s3", "objects")}

    assert f"GET {urlsplit(url).path} 200" in logs["s3"]
    signature = url.rpartition("=")[2]
    for secret in (signature, "X-Amz-", "Signature", "?"):
        assert_nowhere(secret, logs)


def assert_nowhere(text: str, logs: Mapping[str, str]) -> None:
    for part, log in logs.items():
        assert text not in log, f"{part} logged {text}"


def test_gate_and_engine_listen_on_loopback_only(stack: Stack) -> None:
    for name in ("s3", "objects"):
        part = stack.part(name)
        assert addresses_of_group(part.pid) == {f"127.0.0.1:{part.port}"}


def test_an_order_to_the_clock_that_is_none_is_refused(stack: Stack) -> None:
    answer = httpx.post(f"{stack.s3_url}/_control/clock", json={"ahead": 1}, trust_env=False)

    assert answer.status_code == 400


def test_a_gate_without_a_key_says_what_to_do(stack: Stack) -> None:
    env = {name: value for name, value in stack.env.items() if not name.startswith("AWS_")}
    command = (sys.executable, "-m", "infra.local.s3", "--engine", "http://127.0.0.1:9")
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert "AWS_ACCESS_KEY_ID is not set" in ended.stderr
    assert "S3_ENDPOINT_URL" in ended.stderr
