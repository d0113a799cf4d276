"""The provider, used by an OpenID Connect client that others wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.integration.simulators.identity.h5_client import (
    CLIENT_ID,
    ISSUER,
    REDIRECT_URI,
    VERIFIER,
)

NONCE = "n0nce"


@pytest.fixture
def peer() -> Iterator[OAuth2Session]:
    with OAuth2Session(
        CLIENT_ID,
        scope="openid",
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    ) as session:
        session.trust_env = False
        yield session


def found(identity: str, peer: OAuth2Session) -> OpenIDProviderMetadata:
    address = f"{identity}/.well-known/openid-configuration"
    return OpenIDProviderMetadata(peer.get(address, withhold_token=True).json())


def came_back(peer: OAuth2Session, metadata: OpenIDProviderMetadata) -> str:
    """The address that the browser comes back to after a choice."""
    url, _ = peer.create_authorization_url(
        metadata["authorization_endpoint"], state="st4te", code_verifier=VERIFIER, nonce=NONCE
    )
    chosen = {"person": "1002"}
    answer = peer.post(url, data=chosen, allow_redirects=False, withhold_token=True)
    return str(answer.headers["Location"])


def test_it_signs_in_and_accepts_the_id_token(identity: str, peer: OAuth2Session) -> None:
    metadata = found(identity, peer)
    tokens = peer.fetch_token(
        metadata["token_endpoint"],
        authorization_response=came_back(peer, metadata),
        state="st4te",
        code_verifier=VERIFIER,
    )
    keys = KeySet.import_key_set(peer.get(metadata["jwks_uri"], withhold_token=True).json())
    read = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
    id_token = CodeIDToken(
        read.claims,
        read.header,
        {"iss": {"value": metadata["issuer"]}, "aud": {"value": CLIENT_ID}},
        {"nonce": NONCE, "client_id": CLIENT_ID, "access_token": tokens["access_token"]},
    )
    id_token.validate()
    assert read.claims["at_hash"]
    assert (read.claims["sub"], read.claims["iss"]) == ("1002", ISSUER)


def test_it_is_refused_with_another_verifier(identity: str, peer: OAuth2Session) -> None:
    metadata = found(identity, peer)
    with pytest.raises(OAuthError, match="invalid_grant"):
        peer.fetch_token(
            metadata["token_endpoint"],
            authorization_response=came_back(peer, metadata),
            state="st4te",
            code_verifier=VERIFIER[::-1],
        )


@pytest.mark.parametrize(
    "section",
    [
        "jwks_uri",
        "authorization_endpoint",
        "token_endpoint",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "claims_supported",
    ],
)
def test_each_part_of_the_metadata_is_as_the_peer_wants_it(
    identity: str, peer: OAuth2Session, section: str
) -> None:
    metadata = found(identity, peer)
    assert section in metadata
    # it allows no loopback address, which is not what is asked here
    secure = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    getattr(OpenIDProviderMetadata(secure), f"validate_{section}")()
