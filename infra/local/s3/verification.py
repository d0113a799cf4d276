"""Whether a signed request is from whom it says, unchanged, and in time."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from infra.local.s3.claim import Claim, claim_of
from infra.local.s3.refusal import Refusal, denied
from infra.local.s3.request import Request
from infra.local.s3.sigv4 import (
    UNSIGNED_PAYLOAD,
    canonical_request,
    sha256,
    signature,
    string_to_sign,
)

_SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The one key there is; ``token`` is empty unless it is a temporary one."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def verify(request: Request, key: AccessKey, region: str, now: datetime) -> None:
    """Return if the request is the key's own.

    Raises
    ------
    Refusal
        It is not, or not now.
    """
    claim = claim_of(request)
    _check_time(claim, now)
    _check_key(claim, key)
    _check_scope(claim, region)
    _check_signature(request, claim, key)
    _check_what_is_signed(request, claim)
    _check_payload(request, claim)


def _check_time(claim: Claim, now: datetime) -> None:
    if claim.valid_for is None:
        if abs(now - claim.signed_at) > _SKEW:
            raise Refusal(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
                RequestTime=_written(claim.signed_at),
                ServerTime=_written(now),
                MaxAllowedSkewMilliseconds=f"{_SKEW // timedelta(milliseconds=1)}",
            )
        return
    if claim.signed_at > now + _SKEW:
        raise denied("Request is not yet valid", ServerTime=_written(now))
    if now > claim.signed_at + claim.valid_for:
        raise denied(
            "Request has expired",
            X_Amz_Expires=f"{claim.valid_for // timedelta(seconds=1)}",
            Expires=_written(claim.signed_at + claim.valid_for),
            ServerTime=_written(now),
        )


def _check_key(claim: Claim, key: AccessKey) -> None:
    if claim.access_key_id != key.id:
        raise Refusal(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            AWSAccessKeyId=claim.access_key_id,
        )
    if not hmac.compare_digest(claim.token.encode(), key.token.encode()):
        raise Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")


def _check_scope(claim: Claim, region: str) -> None:
    wrong = ""
    if claim.scope.region != region:
        wrong = f"the region '{claim.scope.region}' is wrong; expecting '{region}'"
    elif not claim.date.startswith(f"{claim.scope.date}T"):
        wrong = f"invalid credential date {claim.scope.date}: not that of {claim.date}"
    if not wrong:
        return
    if claim.valid_for is None:
        message = f"The authorization header is malformed; {wrong}"
        raise Refusal(400, "AuthorizationHeaderMalformed", message, Region=region)
    message = f"Error parsing the X-Amz-Credential parameter; {wrong}"
    raise Refusal(400, "AuthorizationQueryParametersError", message, Region=region)


def _check_signature(request: Request, claim: Claim, key: AccessKey) -> None:
    canonical = canonical_request(request, claim.signed_headers, claim.payload_hash)
    text = string_to_sign(claim.date, claim.scope, canonical)
    expected = signature(key.secret, claim.scope, text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise Refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided."
            " Check your key and signing method.",
            AWSAccessKeyId=claim.access_key_id,
            StringToSign=text,
            SignatureProvided=claim.signature,
            CanonicalRequest=canonical,
        )


def _check_what_is_signed(request: Request, claim: Claim) -> None:
    """A header that changes what S3 does, and the host, cannot be added by others."""
    must = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    missing = must - claim.signed_headers
    if claim.valid_for is None:
        # It is signed as the last line, whether it is named or not.
        missing -= {"x-amz-content-sha256"}
    if missing:
        raise denied(
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(sorted(missing)),
        )


def _check_payload(request: Request, claim: Claim) -> None:
    if claim.payload_hash not in (UNSIGNED_PAYLOAD, sha256(request.body)):
        raise Refusal(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ClientComputedContentSHA256=claim.payload_hash,
            S3ComputedContentSHA256=sha256(request.body),
        )


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
