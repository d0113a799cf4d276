"""The H5's side of signing in, request by request, from the RFCs."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

ISSUER = "http://identity.test"
AUDIENCE = "course-payments"
CLIENT_ID = "course-payments-h5"
ORIGIN = "http://127.0.0.1:8000"
H5 = f"{ORIGIN}/h5/"
REDIRECT_URI = f"{H5}signin.html"
VERIFIER = "a-verifier.of~forty_three_characters_or_more"
FORM = "application/x-www-form-urlencoded"


def challenge_of(verifier: str) -> str:
    digest = sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


class Ticks:
    """A clock that goes on by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class H5Client:
    """Sends what a test changes, and what is right otherwise; None leaves a parameter out."""

    def __init__(self, identity: str) -> None:
        self._key_set = f"{identity}/.well-known/jwks.json"
        self._http = httpx.Client(base_url=identity, timeout=30, trust_env=False)

    def __enter__(self) -> H5Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def request(self, **changed: str | None) -> dict[str, str]:
        right: dict[str, str | None] = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "state": "st4te",
            "nonce": "n0nce",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def page(self, **changed: str | None) -> httpx.Response:
        return self._http.get("/authorize", params=self.request(**changed))

    def page_at(self, query: str) -> httpx.Response:
        return self._http.get(f"/authorize?{query}")

    def choose(self, choice: dict[str, str], **changed: str | None) -> httpx.Response:
        return self._http.post("/authorize", params=self.request(**changed), data=choice)

    def code(self, choice: dict[str, str] | None = None, **changed: str | None) -> str:
        answer = self.choose(choice or {"person": "1001"}, **changed)
        return returned(answer)["code"]

    def exchange(
        self, given_code: str, headers: dict[str, str] | None = None, **changed: str | None
    ) -> httpx.Response:
        right: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": given_code,
            "redirect_uri": REDIRECT_URI,
            "client_id": CLIENT_ID,
            "code_verifier": VERIFIER,
        }
        form = {name: value for name, value in (right | changed).items() if value is not None}
        return self._http.post("/token", data=form, headers=headers)

    def exchange_of(self, body: str) -> httpx.Response:
        return self._http.post("/token", content=body, headers={"Content-Type": FORM})

    def tokens(self, choice: dict[str, str] | None = None, **changed: str | None) -> Any:
        return self.exchange(self.code(choice, **changed)).raise_for_status().json()

    def claims(self, token: str, audience: str) -> dict[str, Any]:
        key = jwt.PyJWKClient(self._key_set).get_signing_key_from_jwt(token)
        return dict(jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, audience=audience))


def returned(answer: httpx.Response) -> dict[str, str]:
    """What the browser takes back to the H5, in the query of the redirect."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.startswith(f"{REDIRECT_URI}?"), location
    return {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}
