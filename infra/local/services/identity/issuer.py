"""Who issues: one name, one audience of access tokens, and the keys that sign them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from infra.local.services.identity.codes import Authorization
from infra.local.services.identity.keys import KeyRing
from infra.local.services.identity.tokens import TokenOrder, claims_of, id_token_claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """``url`` is the ``iss`` of all tokens, ``audience`` the API's, which reads access tokens."""

    keys: KeyRing
    url: str
    audience: str

    def access_token(self, order: TokenOrder) -> str:
        """An access token as ordered."""
        now = int(time.time())
        claims = claims_of(order, issuer=self.url, audience=self.audience, now=now)
        return self.keys.sign(claims)

    def id_token(self, held: Authorization, access_token: str) -> str:
        """The ID token beside an access token, for the client that began."""
        claims = id_token_claims(
            held.order,
            issuer=self.url,
            client_id=held.client_id,
            nonce=held.nonce,
            access_token=access_token,
            now=int(time.time()),
        )
        return self.keys.sign(claims)
