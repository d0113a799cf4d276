"""The only importer of boto3: what is not DynamoDB.

At DEBUG botocore logs every request that it signs and every address that it makes. An address of
`S3Bucket` is as good as the file, so that level is off here, whatever a root logger wants.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.settings import SettingsError

_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3})

logging.getLogger("botocore").setLevel(logging.INFO)


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


class S3Bucket:
    """One bucket, through one client: building it takes a tenth of a second, signing a thousandth.

    The addresses are those of the bucket's own region: AWS answers for a bucket at the global
    endpoint too, at first by a redirect, which a signature does not survive. botocore prefers that
    endpoint in us-east-1 and, unless told the style, for every address that it signs. Settings
    alone say where S3 is: variables and files of botocore's own have no part in it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html

    Parameters
    ----------
    endpoint_url
        Of an emulator, which gets the bucket's name in the path; empty for AWS.
    """

    def __init__(self, name: str, *, region: str, endpoint_url: str = "") -> None:
        self._name = name
        style = {"addressing_style": "path" if endpoint_url else "virtual"}
        # A session of its own: the default one keeps the credentials that it saw first.
        self._client = boto3.Session().client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url or None,
            config=Config(
                signature_version="s3v4",
                connect_timeout=1,
                read_timeout=5,
                retries={"total_max_attempts": 3},
                ignore_configured_endpoint_urls=True,
                s3={**style, "us_east_1_regional_endpoint": "regional"},
            ),
        )

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Store an object, encrypted as the bucket's own setting says; idempotent.

        Raises
        ------
        Unavailable
            S3 did not answer, or refused.
        """
        try:
            self._client.put_object(
                Bucket=self._name, Key=key, Body=content, ContentType=media_type
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(detail=f"S3: {error!r}") from error

    def signed_address(self, key: str, answered_with: Mapping[str, str], *, seconds: int) -> str:
        """Where anybody can GET an object for that long; S3 is not asked.

        It ends earlier when the credentials do that sign it.

        Parameters
        ----------
        answered_with
            What S3 shall say instead of what is stored: parameters of GetObject such as
            ``ResponseContentType``.

        Raises
        ------
        Unavailable
            There are no credentials.
        """
        asked = {"Bucket": self._name, "Key": key, **answered_with}
        try:
            address: str = self._client.generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=seconds, HttpMethod="GET"
            )
        except BotoCoreError as error:
            raise Unavailable(detail=f"S3: {error!r}") from error
        return address
