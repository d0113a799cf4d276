"""The environment in which the functions run in the local stack: `chalicelib.settings`, filled in.

What the caller gives stays; what is not given gets a value that fits the parts that run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes.children import ROOT

REGION = "ap-southeast-1"

_AUDIENCE = "course-payments"
# Made up, in the shapes that the platforms give them.
_ALIPAY_APP_ID = "2021000000000001"
_ALIPAY_SELLER_ID = "2088000000000001"
_WECHAT_APP_ID = "wx0000000000000001"
_WECHAT_MCH_ID = "1900000001"
_WECHAT_CERT_SERIAL = "0000000000000000000000000000000000000001"
_WECHAT_PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026010100000000000001"

_MATERIALS_BUCKET = "course-payments-materials"

_AWS_IDENTITY = frozenset({"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"})
_AWS_ELSEWHERE = frozenset({"DYNAMODB_ENDPOINT_URL", "S3_ENDPOINT_URL"})
_AWS_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_AWS_NO_PROFILE = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one stack answer."""

    api_url: str
    identity_url: str
    alipay_url: str
    wechat_url: str
    amqp_url: str
    management_url: str
    dynamodb_url: str
    s3_url: str


def functions_environment(
    folder: Path, addresses: Addresses, given: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a process that runs functions or operators' commands.

    Parameters
    ----------
    folder
        The folder of the stack: secrets, data, logs.
    given
        The variables of the caller; empty ones count as absent.
    """
    given = {name: value for name, value in given.items() if value}
    aws = _aws(given)
    return {
        **_defaults(folder, addresses, has_secrets="SECRETS_ID" in given),
        **_broker(addresses, given),
        **{name: value for name, value in given.items() if not name.startswith("AWS_")},
        **aws,
        **_python(given),
        **_proxies(given),
    }


def _defaults(folder: Path, addresses: Addresses, *, has_secrets: bool) -> dict[str, str]:
    identity_url = addresses.identity_url
    return {
        "STAGE": "local",
        "SECRETS_DIR": "" if has_secrets else str(folder / "secrets"),
        "PUBLIC_BASE_URL": addresses.api_url,
        "H5_ORIGIN": "*",
        "H5_RESULT_URL": f"{identity_url}/result" if identity_url else "",
        "JWKS_URL": f"{identity_url}/.well-known/jwks.json",
        "JWT_ISSUER": identity_url,
        "JWT_AUDIENCE": _AUDIENCE,
        "ALIPAY_APP_ID": _ALIPAY_APP_ID,
        "ALIPAY_SELLER_ID": _ALIPAY_SELLER_ID,
        "ALIPAY_GATEWAY_URL": f"{addresses.alipay_url}/gateway.do",
        "WECHAT_APP_ID": _WECHAT_APP_ID,
        "WECHAT_MCH_ID": _WECHAT_MCH_ID,
        "WECHAT_CERT_SERIAL": _WECHAT_CERT_SERIAL,
        "WECHAT_PUBLIC_KEY_ID": _WECHAT_PUBLIC_KEY_ID,
        **_wechat_addresses(addresses.wechat_url),
        "DYNAMODB_ENDPOINT_URL": addresses.dynamodb_url,
        "MATERIALS_BUCKET": _MATERIALS_BUCKET,
        "S3_ENDPOINT_URL": addresses.s3_url,
        "PUMP_CHECKPOINT_DIR": str(folder / "data" / "checkpoints"),
    }


def _broker(addresses: Addresses, given: Mapping[str, str]) -> dict[str, str]:
    """The management API of another broker is not ours."""
    if "RABBITMQ_URL" in given:
        return {}
    return {
        "RABBITMQ_URL": addresses.amqp_url,
        "RABBITMQ_MANAGEMENT_URL": addresses.management_url,
    }


def _wechat_addresses(wechat_url: str) -> dict[str, str]:
    """Payments, and the two ends of OAuth: three hosts at the platform, one here."""
    if not wechat_url:
        return {}
    return {
        "WECHAT_GATEWAY_URL": wechat_url,
        "WECHAT_AUTHORIZE_URL": f"{wechat_url}/connect/oauth2/authorize",
        "WECHAT_TOKEN_URL": f"{wechat_url}/sns/oauth2/access_token",
    }


def _aws(given: Mapping[str, str]) -> dict[str, str]:
    """For engines of ours the developer's own profile and endpoints have no part in anything."""
    region = given.get("AWS_REGION", REGION)
    ours = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if not _AWS_ELSEWHERE & given.keys():
        return ours | _AWS_CREDENTIALS | _AWS_NO_PROFILE
    theirs = {name: value for name, value in given.items() if name.startswith("AWS_")}
    return ours | theirs | ({} if _AWS_IDENTITY & theirs.keys() else _AWS_CREDENTIALS)


def _python(given: Mapping[str, str]) -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [given.get("PYTHONPATH")])]
    return {"PYTHONUNBUFFERED": "1", "PYTHONPATH": ":".join(paths)}


def _proxies(given: Mapping[str, str]) -> dict[str, str]:
    """A proxy of the machine cannot reach its loopback interface."""
    direct = [*filter(None, [given.get("NO_PROXY") or given.get("no_proxy")])]
    hosts = ",".join([*direct, "127.0.0.1", "localhost"])
    return {"NO_PROXY": hosts, "no_proxy": hosts}
