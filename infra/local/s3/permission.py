"""What the one key may do: read and write objects under one prefix of one private bucket."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.s3.refusal import denied
from infra.local.s3.request import Request

_METHODS = ("GET", "HEAD", "PUT")
_OF_THE_SIGNATURE = ("X-Amz-", "x-id")
_OF_THE_ANSWER = "response-"


@dataclass(frozen=True, slots=True)
class Permission:
    """``s3:GetObject`` and ``s3:PutObject`` on ``bucket/prefix*``: no listing, no deleting."""

    bucket: str
    prefix: str

    def check(self, request: Request) -> None:
        """Return if the request is one of these.

        Raises
        ------
        Refusal
            It is not.
        """
        # ?acl, ?tagging, ?uploads and their like are other actions on the same key.
        actions = [
            name
            for name, _ in request.query
            if not name.startswith((*_OF_THE_SIGNATURE, _OF_THE_ANSWER))
        ]
        if (
            request.method not in _METHODS
            or request.bucket != self.bucket
            or not request.key.startswith(self.prefix)
            or actions
            # It could become a copy of what the key may not read.
            or "x-amz-copy-source" in request.headers
        ):
            raise denied()


def passed_on(request: Request) -> tuple[tuple[str, str], ...]:
    """The query without what only the signature needs."""
    return tuple(
        (name, value) for name, value in request.query if not name.startswith(_OF_THE_SIGNATURE)
    )
