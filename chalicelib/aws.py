"""The only importer of boto3: what is not DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3
from botocore.config import Config

_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3})


def secret_values(region: str, secret_id: str) -> Mapping[str, str]:
    """The JSON object of texts that a Secrets Manager secret holds."""
    client = boto3.client("secretsmanager", region_name=region, config=_CONFIG)
    values: dict[str, str] = json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])
    return values
