"""Somebody with an account at the school: a token, and the API as their frontend calls it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx

from infra.local.purchase.steps import StepFailed

Json = dict[str, Any]

_TIMEOUT_SECONDS = 35


class Person:
    """One user of the API.

    Parameters
    ----------
    roles
        What their token says that they may do; a student has none.
    """

    def __init__(
        self, *, api_url: str, identity_url: str, user_id: str, roles: Sequence[str] = ()
    ) -> None:
        self._api = httpx.Client(base_url=api_url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._identity_url = identity_url
        self._account = {"userId": user_id, "name": "小明", "roles": list(roles)}

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._api.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def log_in(self) -> None:
        """Get a token.

        Raises
        ------
        StepFailed
            There is none.
        """
        url = f"{self._identity_url}/token"
        try:
            answer = httpx.post(url, json=self._account, trust_env=False)
            token = answer.raise_for_status().json()["access_token"]
        except httpx.HTTPError as error:
            raise StepFailed(f"no token: {error!r}") from error
        self._api.headers["Authorization"] = f"Bearer {token}"

    def asks(self, method: str, path: str, **options: Any) -> Json:
        """The JSON that answers a request.

        Raises
        ------
        StepFailed
            There is no answer, or no success.
        """
        answer = self._answer(method, path, **options)
        if not answer.is_success:
            raise StepFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: Json = answer.json()
        return body

    def refusal_of(self, method: str, path: str) -> tuple[int, str]:
        """Status and ``errCode`` of a request that must not be answered.

        Raises
        ------
        StepFailed
            There is no answer, or it is no refusal.
        """
        answer = self._answer(method, path)
        if not answer.is_client_error:
            # Not what it says: it may be what nobody else should have.
            raise StepFailed(f"{method} {path} is not refused: {answer.status_code}")
        return answer.status_code, str(answer.json().get("errCode"))

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._api.request(method, path, **options)
        except httpx.HTTPError as error:
            raise StepFailed(f"{method} {path}: {error!r}") from error
