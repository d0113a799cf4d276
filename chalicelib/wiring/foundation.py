"""What every part stands on: time, secrets, database, numbers, identity, signed links."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chalicelib.clock import Clock, SystemClock
from chalicelib.secrets import Secrets, secrets_for
from chalicelib.settings import settings

if TYPE_CHECKING:
    from chalicelib.auth import TokenVerifier
    from chalicelib.dynamo import Dynamo
    from chalicelib.ids.numbers import LeasedNumbers
    from chalicelib.orders.pages.links import LinkSigner


@cache
def clock() -> Clock:
    """The clock of this container."""
    return SystemClock()


@cache
def secrets() -> Secrets:
    """Where secrets come from."""
    return secrets_for(settings())


@cache
def dynamo() -> Dynamo:
    """The database connection."""
    from chalicelib.dynamo import Dynamo

    return Dynamo(settings())


@cache
def numbers() -> LeasedNumbers:
    """The source of order, pay and choose-course numbers."""
    from chalicelib.ids.numbers import LeasedNumbers
    from chalicelib.ids.worker_lease import DynamoLeaseStore

    return LeasedNumbers(
        DynamoLeaseStore(dynamo()),
        clock(),
        lease_seconds=settings().lease_seconds,
    )


@cache
def token_verifier() -> TokenVerifier:
    """How bearer tokens are verified: by configuration, never by what a token says."""
    from chalicelib.tokens import verifier_for

    return verifier_for(settings(), secrets(), clock())


@cache
def links() -> LinkSigner:
    """Signs and checks payment links."""
    from chalicelib.orders.pages.links import LinkSigner

    return LinkSigner.from_secret(secrets().get("link_keys"), clock())
