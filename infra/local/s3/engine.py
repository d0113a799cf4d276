"""The engine behind the gate: it stores objects, and does not ask who comes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote, urlencode

import httpx
from flask import Response

from infra.local.s3.permission import passed_on
from infra.local.s3.refusal import Refusal, denied
from infra.local.s3.request import Request
from infra.local.s3.sigv4 import ALGORITHM, Scope

_TIMEOUT_SECONDS = 30
_OF_THE_CONNECTION = ("connection", "content-length", "expect", "host", "transfer-encoding")
_OF_THE_SIGNATURE = ("authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token")
_NOT_OF_S3 = ("access-control-", "connection", "date", "server", "transfer-encoding", "x-amzn-")


class Engine:
    """An S3 without questions at ``url``."""

    def __init__(self, url: str, region: str) -> None:
        self._region = region
        # The engine lets a request change headers of its answer only if it looks signed.
        looks = f"Credential=gate/{Scope('20130524', region)}, SignedHeaders=host, Signature=none"
        self._signed = {"authorization": f"{ALGORITHM} {looks}"}
        # The machine's proxy has no part in this.
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=_TIMEOUT_SECONDS)

    def make_bucket(self, name: str) -> None:
        """Make a bucket unless it is there.

        Raises
        ------
        RuntimeError
            The engine does not want it.
        """
        where = f"<LocationConstraint>{self._region}</LocationConstraint>"
        body = f"<CreateBucketConfiguration>{where}</CreateBucketConfiguration>"
        # The oldest region has no name there.
        content = "" if self._region == "us-east-1" else body
        answer = self._client.put(f"/{name}", content=content, headers=self._signed)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            raise RuntimeError(f"the bucket {name} could not be made: {answer.text}")

    def answer(self, request: Request) -> Response:
        """What the engine answers to a request that may pass.

        Raises
        ------
        Refusal
            There is no such object, which is for those to know who may list; or no answer came.
        """
        query = urlencode(passed_on(request), quote_via=quote)
        asked = self._client.build_request(
            request.method,
            "/",
            headers=self._signed | _without(request.headers, _OF_THE_CONNECTION, _OF_THE_SIGNATURE),
            content=request.body,
            # As it came: a key may look like a path that leads upwards, and is none.
            extensions={"target": f"{request.path}?{query}".removesuffix("?").encode("ascii")},
        )
        try:
            with closing(self._client.send(asked, stream=True)) as came:
                # As stored: a compressed file is no business of ours.
                content = b"".join(came.iter_raw())
        except httpx.HTTPError as error:
            raise Refusal(500, "InternalError", "We encountered an internal error.") from error
        if came.status_code == httpx.codes.NOT_FOUND:
            raise denied()
        answer = Response(content, came.status_code, _without(came.headers, _NOT_OF_S3))
        # Flask counts what is sent, which is nothing for HEAD.
        answer.headers["Content-Length"] = came.headers.get("content-length", str(len(content)))
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _without(headers: Mapping[str, str], *beginnings: tuple[str, ...]) -> dict[str, str]:
    left_out = tuple(beginning for some in beginnings for beginning in some)
    return {name: value for name, value in headers.items() if not name.startswith(left_out)}
