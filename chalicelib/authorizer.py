"""The gateway's authorizer, a function of its own, and how a view learns who passed it.

API Gateway calls `jwt_authorizer` with the ``Authorization`` header, keeps the answer for a minute
per token, and hands its context to the view. An exception whose text is exactly ``Unauthorized``
becomes 401; any other failure becomes 500, which is right when the issuer's keys are out of
reach: nobody can tell then whether the token is good.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import json
from collections.abc import Callable

from chalice.app import AuthRequest, AuthResponse, Blueprint, ChaliceAuthorizer, Request

from chalicelib.auth import TokenVerifier, User, bearer_token
from chalicelib.errors import Unauthenticated
from chalicelib.observability import logger

TTL_SECONDS = 60
_UNAUTHORIZED = "Unauthorized"


def authorizer_with(verifier: Callable[[], TokenVerifier]) -> tuple[Blueprint, ChaliceAuthorizer]:
    """A blueprint with the authorizer in it; ``verifier`` is asked for at each call."""
    blueprint = Blueprint(__name__)

    @blueprint.authorizer(name="jwt_authorizer", ttl_seconds=TTL_SECONDS)
    def jwt_authorizer(request: AuthRequest) -> AuthResponse:
        try:
            user = verifier().verify(bearer_token(request.token))
        except Unauthenticated as error:
            logger.info("token refused", detail=error.detail)
            raise Exception(_UNAUTHORIZED) from error
        return _permission(user)

    return blueprint, jwt_authorizer


def _wired() -> TokenVerifier:
    from chalicelib import wiring

    return wiring.token_verifier()


identity, jwt_authorizer = authorizer_with(_wired)


def caller(request: Request) -> User:
    """The user whom the gateway let through to this view.

    Raises
    ------
    Unauthenticated
        No authorizer stood before the route.
    """
    context = request.context.get("authorizer") or {}
    user_id = context.get("principalId")
    if not isinstance(user_id, str) or not user_id:
        raise Unauthenticated(detail="no authorizer context")
    return User(user_id, frozenset(json.loads(context.get("roles", "[]"))))


def bearer_user(request: Request, verifier: Callable[[], TokenVerifier]) -> User | None:
    """The user of a route without authorizer; None if the request has no token.

    Raises
    ------
    Unauthenticated
        There is an ``Authorization`` header, and it is not good.
    Unavailable
        The issuer's keys are out of reach.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    return verifier().verify(bearer_token(header))


def _permission(user: User) -> AuthResponse:
    """Leave for every route: the gateway keeps one answer per token, not per route.

    Context values must be plain texts. The roles go as a JSON list, because a role may have a
    space in it.
    """
    return AuthResponse(
        routes=["*"],
        principal_id=user.user_id,
        context={"userId": user.user_id, "roles": json.dumps(sorted(user.roles))},
    )
