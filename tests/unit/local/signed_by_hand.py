"""Requests to S3 that were not made by an SDK: those that AWS's documentation prints, and ours.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from infra.local.s3.request import Request
from infra.local.s3.sigv4 import sha256
from infra.local.s3.verification import AccessKey

DOCUMENTED_KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
DOCUMENTED_REGION = "us-east-1"
DOCUMENTED_MOMENT = datetime(2013, 5, 24, tzinfo=UTC)
DOCUMENTED_URL = (
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
_SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
_HOST = "examplebucket.s3.amazonaws.com"


def followed(url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Request:
    """The request of somebody who follows a link."""
    parts = urlsplit(url)
    return Request(
        method=method,
        path=parts.path,
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers={"host": parts.netloc, **(headers or {})},
    )


def _documented(
    method: str,
    target: str,
    signature: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    path, _, query = target.partition("?")
    signed = {
        "host": _HOST,
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": sha256(body),
        **(headers or {}),
    }
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={_SCOPE},SignedHeaders={';'.join(sorted(signed))},"
        f"Signature={signature}"
    )
    return Request(
        method=method,
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers={**signed, "authorization": authorization},
        body=body,
    )


DOCUMENTED_REQUESTS = {
    "GET Object": _documented(
        "GET",
        "/test.txt",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        {"range": "bytes=0-9"},
    ),
    "PUT Object": _documented(
        "PUT",
        "/test$file.text",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        b"Welcome to Amazon S3.",
    ),
    "GET Bucket Lifecycle": _documented(
        "GET", "/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    ),
    "Get Bucket (List Objects)": _documented(
        "GET",
        "/?max-keys=2&prefix=J",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
    "a presigned URL": followed(DOCUMENTED_URL),
}
