"""The only importer of boto3: what is not DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.settings import SettingsError

_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3})


def secret_values(region: str, secret_id: str) -> Mapping[str, str]:
    """The JSON object of texts that a Secrets Manager secret holds.

    Raises
    ------
    Unavailable
        Secrets Manager did not answer, or refused.
    SettingsError
        The secret is something else; the message shows nothing of it.
    """
    client = boto3.client("secretsmanager", region_name=region, config=_CONFIG)
    try:
        text = client.get_secret_value(SecretId=secret_id)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(detail=f"Secrets Manager: {error!r}") from error
    except KeyError:
        raise SettingsError(f"SECRETS_ID {secret_id} holds no text") from None
    try:
        values = json.loads(text)
    except ValueError:
        raise SettingsError(f"SECRETS_ID {secret_id} is not JSON") from None
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise SettingsError(f"SECRETS_ID {secret_id} is not a JSON object of texts")
    return values
