"""The gate in front of S3 believes what S3 believes: printed by AWS, made by the SDK, changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.s3.claim import claim_of
from infra.local.s3.refusal import Refusal
from infra.local.s3.request import Request
from infra.local.s3.sigv4 import (
    SIGNATURE,
    UNSIGNED_PAYLOAD,
    Scope,
    canonical_request,
    sha256,
    signature,
    string_to_sign,
)
from infra.local.s3.verification import AccessKey, verify
from tests.unit.local.signed_by_hand import (
    DOCUMENTED_KEY,
    DOCUMENTED_MOMENT,
    DOCUMENTED_REGION,
    DOCUMENTED_REQUESTS,
    DOCUMENTED_URL,
    followed,
)

KEY = AccessKey("local", "local")
REGION = "ap-southeast-1"
ADDRESS = "http://127.0.0.1:9000/bucket/materials/%E8%AE%B2%E4%B9%89%20%281%29.pdf"


def refused(
    request: Request,
    *,
    key: AccessKey = DOCUMENTED_KEY,
    region: str = DOCUMENTED_REGION,
    now: datetime = DOCUMENTED_MOMENT,
) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        verify(request, key, region, now)
    return refusal.value


def presigned(url: str = ADDRESS, *, key: AccessKey = KEY, seconds: int = 300) -> Request:
    """What the SDK makes of an address, followed."""
    asked = AWSRequest("GET", url)
    credentials = Credentials(key.id, key.secret, key.token or None)
    S3SigV4QueryAuth(credentials, "s3", REGION, expires=seconds).add_auth(asked)
    return followed(asked.url)


def signed(method: str, body: bytes = b"", **headers: str) -> Request:
    """What the SDK makes of a request, as it arrives."""
    asked = AWSRequest(method, ADDRESS, headers=headers, data=body)
    asked.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials(KEY.id, KEY.secret), "s3", REGION).add_auth(asked)
    arrived = followed(asked.url, method)
    sent = {name.lower(): value for name, value in asked.headers.items()}
    return replace(arrived, headers={**arrived.headers, **sent}, body=body)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("request_", DOCUMENTED_REQUESTS.values(), ids=DOCUMENTED_REQUESTS)
def test_what_the_documentation_prints_is_believed(request_: Request) -> None:
    verify(request_, DOCUMENTED_KEY, DOCUMENTED_REGION, DOCUMENTED_MOMENT)


@pytest.mark.parametrize("request_", DOCUMENTED_REQUESTS.values(), ids=DOCUMENTED_REQUESTS)
def test_another_secret_signs_something_else(request_: Request) -> None:
    others = replace(DOCUMENTED_KEY, secret="another")

    assert refused(request_, key=others).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("request_", DOCUMENTED_REQUESTS.values(), ids=DOCUMENTED_REQUESTS)
def test_a_signature_is_for_one_method_and_one_path(request_: Request) -> None:
    for other in (replace(request_, method="DELETE"), replace(request_, path="/other.txt")):
        refusal = refused(other)
        assert (refusal.status, refusal.code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("X-Amz-Expires=86400", "X-Amz-Expires=86401"),
        ("20130524T000000Z", "20130524T000001Z"),
        ("/test.txt", "/test2.txt"),
        ("examplebucket", "otherbucket"),
        ("?", "?response-content-disposition=inline&"),
        ("d404", "d405"),
    ],
)
def test_a_link_that_somebody_changed_is_refused(part: str, changed: str) -> None:
    assert part in DOCUMENTED_URL
    refusal = refused(followed(DOCUMENTED_URL.replace(part, changed)))

    assert (refusal.status, refusal.code) == (403, "SignatureDoesNotMatch")


def test_what_the_answer_shall_say_is_signed_too() -> None:
    asked = presigned(f"{ADDRESS}?response-content-disposition=attachment&response-expires=now")
    verify(asked, KEY, REGION, now())

    changed = tuple((n, v.replace("attachment", "inline")) for n, v in asked.query)
    refusal = refused(replace(asked, query=changed), key=KEY, region=REGION, now=now())
    assert refusal.code == "SignatureDoesNotMatch"


def test_a_link_of_the_sdk_is_believed_however_its_path_is_spelt() -> None:
    asked = presigned()
    for path in (asked.path, asked.path.replace("%28", "(").replace("%29", ")")):
        verify(replace(asked, path=path), KEY, REGION, now())


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_request_that_the_sdk_signs_in_a_header_is_believed(method: str) -> None:
    verify(signed(method, b"content"), KEY, REGION, now())


def test_a_link_dies_when_its_time_is_over_and_not_before() -> None:
    last = DOCUMENTED_MOMENT + timedelta(seconds=86_400)
    verify(followed(DOCUMENTED_URL), DOCUMENTED_KEY, DOCUMENTED_REGION, last)

    refusal = refused(followed(DOCUMENTED_URL), now=last + timedelta(milliseconds=1))
    assert (refusal.status, str(refusal)) == (403, "AccessDenied: Request has expired")
    body = refusal.answer().get_data(as_text=True)
    assert "<X-Amz-Expires>86400</X-Amz-Expires><Expires>2013-05-25T00:00:00Z</Expires>" in body


def test_a_link_from_the_future_is_not_yet_good() -> None:
    minutes = timedelta(minutes=15)
    early = DOCUMENTED_MOMENT - minutes
    verify(followed(DOCUMENTED_URL), DOCUMENTED_KEY, DOCUMENTED_REGION, early)

    refusal = refused(followed(DOCUMENTED_URL), now=early - timedelta(seconds=1))
    assert str(refusal) == "AccessDenied: Request is not yet valid"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signed_request_is_good_for_a_quarter_of_an_hour(minutes: int) -> None:
    moment = DOCUMENTED_MOMENT + timedelta(minutes=minutes)
    refusal = refused(DOCUMENTED_REQUESTS["GET Object"], now=moment)

    assert (refusal.status, refusal.code) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("seconds", ["0", "604801", "-1", "", "x", "３"])
def test_no_link_is_good_for_longer_than_a_week(seconds: str) -> None:
    url = DOCUMENTED_URL.replace("X-Amz-Expires=86400", f"X-Amz-Expires={seconds}")
    refusal = refused(followed(url))

    assert (refusal.status, refusal.code) == (400, "AuthorizationQueryParametersError")


@pytest.mark.parametrize(
    "left_out",
    ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"],
)
def test_a_link_with_a_part_missing_is_none(left_out: str) -> None:
    whole = followed(DOCUMENTED_URL)
    query = tuple((n, v) for n, v in whole.query if n != f"X-Amz-{left_out}")

    assert refused(replace(whole, query=query)).code == "AuthorizationQueryParametersError"


def test_nobody_who_says_nothing_gets_in() -> None:
    refusal = refused(followed("http://127.0.0.1/bucket/materials/a.pdf"))

    assert (refusal.status, str(refusal)) == (403, "AccessDenied: Access Denied")


def test_a_key_that_is_not_known_is_named() -> None:
    refusal = refused(followed(DOCUMENTED_URL), key=KEY)

    assert (refusal.status, refusal.code) == (403, "InvalidAccessKeyId")


def test_a_key_is_for_one_region() -> None:
    for asked in DOCUMENTED_REQUESTS.values():
        refusal = refused(asked, region="eu-west-1")
        assert refusal.status == 400
        assert "'us-east-1' is wrong; expecting 'eu-west-1'" in str(refusal)


def test_a_temporary_key_needs_its_token() -> None:
    temporary = replace(KEY, token="a-session-token")
    verify(presigned(key=temporary), temporary, REGION, now())

    refusal = refused(presigned(), key=temporary, region=REGION, now=now())
    assert refusal.code == "InvalidToken"


def test_a_header_that_nobody_signed_cannot_be_added() -> None:
    for asked in (signed("PUT", b"content"), presigned()):
        added = replace(asked, headers={**asked.headers, "x-amz-acl": "public-read"})
        refusal = refused(added, key=KEY, region=REGION, now=now())
        assert (refusal.status, refusal.code) == (403, "AccessDenied")


def test_a_link_names_its_host() -> None:
    asked = presigned()
    query = tuple(
        (n, "range" if n == "X-Amz-SignedHeaders" else v) for n, v in asked.query if n != SIGNATURE
    )
    hostless = replace(asked, query=query)
    date = hostless.parameter("X-Amz-Date") or ""
    scope = Scope(date[:8], REGION)
    text = string_to_sign(
        date,
        scope,
        canonical_request(hostless, ["range"], UNSIGNED_PAYLOAD),
    )
    signature_of_it = (SIGNATURE, signature(KEY.secret, scope, text))
    refusal = refused(
        replace(hostless, query=(*query, signature_of_it)), key=KEY, region=REGION, now=now()
    )

    assert refusal.code == "AccessDenied"
    assert "<HeadersNotSigned>host<" in refusal.answer().get_data(as_text=True)


def test_another_body_than_the_one_that_was_signed_is_refused() -> None:
    refusal = refused(
        replace(signed("PUT", b"content"), body=b"other"), key=KEY, region=REGION, now=now()
    )

    assert refusal.code == "XAmzContentSHA256Mismatch"
    assert sha256(b"other") in refusal.answer().get_data(as_text=True)


def test_a_link_with_a_signed_header_besides_is_neither() -> None:
    both = followed(DOCUMENTED_URL, headers=DOCUMENTED_REQUESTS["GET Object"].headers)

    assert refused(both).code == "InvalidArgument"


@pytest.mark.parametrize(
    "authorization",
    ["AWS AKIAIOSFODNN7EXAMPLE:signature", "Bearer token", "AWS4-HMAC-SHA256 Credential=x", ""],
)
def test_another_way_to_sign_is_refused(authorization: str) -> None:
    documented = DOCUMENTED_REQUESTS["GET Object"]
    headers = {**documented.headers, "authorization": authorization}

    assert refused(replace(documented, headers=headers)).status == 400


def test_a_secret_is_not_shown_by_its_key() -> None:
    assert DOCUMENTED_KEY.secret not in repr(DOCUMENTED_KEY)
    assert claim_of(followed(DOCUMENTED_URL)).access_key_id == DOCUMENTED_KEY.id
