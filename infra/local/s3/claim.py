"""Who a request says it is from, and what of it is signed. Nothing is believed here yet.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.local.s3.refusal import Refusal, denied
from infra.local.s3.request import Request
from infra.local.s3.sigv4 import ALGORITHM, SIGNATURE, UNSIGNED_PAYLOAD, Scope

_QUERY = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    SIGNATURE,
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)
_WEEK_SECONDS = 604_800
_DATE = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Claim:
    """``valid_for`` is what a signed query says; a header says nothing of it, and it is None."""

    access_key_id: str
    scope: Scope
    signed_at: datetime
    signed_headers: frozenset[str]
    payload_hash: str
    signature: str
    token: str
    valid_for: timedelta | None = None

    @property
    def date(self) -> str:
        """``signed_at`` as it is signed."""
        return self.signed_at.strftime(_DATE)


def claim_of(request: Request) -> Claim:
    """What the request claims.

    Raises
    ------
    Refusal
        Nothing, more than one thing, or what cannot be understood.
    """
    by_header = "authorization" in request.headers
    by_query = request.parameter(_QUERY[0]) is not None or request.parameter(SIGNATURE) is not None
    if by_header and by_query:
        raise Refusal(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature"
            " query string parameter or the Authorization header should be specified",
        )
    if by_header:
        return _of_header(request)
    if by_query:
        return _of_query(request)
    raise denied()


def _of_query(request: Request) -> Claim:
    algorithm, credential, signature, date, headers, expires = map(request.parameter, _QUERY)
    if algorithm is not None and algorithm != ALGORITHM:
        raise _bad_query(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    if None in (algorithm, credential, signature, date, headers, expires):
        raise _bad_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential,"
            " X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    try:
        access_key_id, scope = _credential(credential or "")
    except ValueError:
        raise _bad_query("Error parsing the X-Amz-Credential parameter") from None
    try:
        signed_at = _moment(date or "")
    except ValueError:
        raise _bad_query(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        ) from None
    return Claim(
        access_key_id=access_key_id,
        scope=scope,
        signed_at=signed_at,
        signed_headers=frozenset((headers or "").split(";")),
        payload_hash=UNSIGNED_PAYLOAD,
        signature=signature or "",
        token=request.parameter("X-Amz-Security-Token") or "",
        valid_for=_duration(expires or ""),
    )


def _duration(expires: str) -> timedelta:
    if not (expires.isascii() and expires.isdigit()):
        raise _bad_query("X-Amz-Expires should be a number")
    if not 1 <= int(expires) <= _WEEK_SECONDS:
        raise _bad_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires"
            f" must be less than {_WEEK_SECONDS} seconds"
        )
    return timedelta(seconds=int(expires))


def _of_header(request: Request) -> Claim:
    algorithm, _, rest = request.headers["authorization"].partition(" ")
    if algorithm != ALGORITHM:
        raise Refusal(
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported."
            f" Please use {ALGORITHM}.",
        )
    payload_hash = request.headers.get("x-amz-content-sha256")
    if payload_hash is None:
        raise Refusal(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        )
    if payload_hash.startswith("STREAMING-"):
        raise Refusal(501, "NotImplemented", "This gate takes no payload in signed chunks.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    try:
        access_key_id, scope = _credential(parts["Credential"])
        signed_headers, signature = parts["SignedHeaders"], parts["Signature"]
    except (KeyError, ValueError):
        raise Refusal(
            400,
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; it needs Credential, SignedHeaders, Signature.",
        ) from None
    try:
        signed_at = _moment(request.headers.get("x-amz-date", ""))
    except ValueError:
        raise denied("AWS authentication requires a valid Date or x-amz-date header") from None
    return Claim(
        access_key_id=access_key_id,
        scope=scope,
        signed_at=signed_at,
        signed_headers=frozenset(signed_headers.split(";")),
        payload_hash=payload_hash,
        signature=signature,
        token=request.headers.get("x-amz-security-token", ""),
    )


def _credential(text: str) -> tuple[str, Scope]:
    access_key_id, _, scope = text.partition("/")
    return access_key_id, Scope.parse(scope)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _DATE).replace(tzinfo=UTC)


def _bad_query(message: str) -> Refusal:
    return Refusal(400, "AuthorizationQueryParametersError", message)
