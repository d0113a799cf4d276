"""Signature Version 4 of one request to S3, as its documentation computes it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from infra.local.s3.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SIGNATURE = "X-Amz-Signature"
"""The one part of a signed query that is not signed."""

_SERVICE, _END = "s3", "aws4_request"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signing key is good for: S3 in one region, on one day (``yyyyMMdd``)."""

    date: str
    region: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{_SERVICE}/{_END}"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """The scope that is written so.

        Raises
        ------
        ValueError
            It is none for S3.
        """
        date, region, service, end = text.split("/")
        if (service, end) != (_SERVICE, _END):
            raise ValueError(f"not a scope of S3: {text!r}")
        return cls(date, region)


def canonical_request(request: Request, signed_headers: Iterable[str], payload_hash: str) -> str:
    """The one text that all spellings of a request have in common."""
    names = sorted(signed_headers)
    return "\n".join(
        (
            request.method,
            _encoded(unquote_to_bytes(request.path), keep="/"),
            _canonical_query(request.query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            payload_hash,
        )
    )


def string_to_sign(signed_at: str, scope: Scope, canonical: str) -> str:
    """What is signed; ``signed_at`` as ``yyyyMMddTHHmmssZ``."""
    return "\n".join((ALGORITHM, signed_at, str(scope), sha256(canonical.encode())))


def signature(secret: str, scope: Scope, text: str) -> str:
    """Its signature, in hex."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, _SERVICE, _END):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def _canonical_query(query: Iterable[tuple[str, str]]) -> str:
    pairs = ((_encoded(n.encode()), _encoded(v.encode())) for n, v in query if n != SIGNATURE)
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded(text: bytes, *, keep: str = "") -> str:
    """All but unreserved characters as %XX, in capitals."""
    return quote(text, safe=keep)
