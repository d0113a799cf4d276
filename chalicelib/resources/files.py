"""The files of study materials, in S3: stored by an import, downloaded by whoever has a link."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from urllib.parse import quote

from chalicelib.aws import S3Bucket
from chalicelib.settings import LONGEST_MATERIAL_LINK_SECONDS, Settings

_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(seconds=LONGEST_MATERIAL_LINK_SECONDS)
_LONGEST_KEY_BYTES = 1_024
_NAMELESS = "download"
_MISREAD = frozenset('"\\%/')
"""In a quoted file name browsers read them differently, or as the way to another folder."""


class S3MaterialFiles:
    """`MaterialFiles` under one prefix of one bucket.

    Nothing outside the prefix is stored or signed, whatever a row says: the role may read the
    prefix alone, and this is the second lock. Links are signed by Signature Version 4 for at most
    five minutes; they and their parts are never logged.

    Raises
    ------
    SettingsError
        ``MATERIALS_BUCKET`` is not set.
    """

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.materials_prefix
        self._bucket = S3Bucket(
            settings.require("materials_bucket"),
            region=settings.aws_region,
            endpoint_url=settings.s3_endpoint_url,
        )

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Store a file; the same key again replaces it.

        Raises
        ------
        ValueError
            The key is not one of ours, or the media type is none.
        Unavailable
            S3 did not answer, or refused.
        """
        self._bucket.put(self._ours(key), content, _sendable(media_type))

    def link(self, key: str, *, file_name: str, media_type: str, valid_for: timedelta) -> str:
        """A URL that downloads the file as an attachment named ``file_name``; S3 is not asked.

        Raises
        ------
        ValueError
            The key is not one of ours, the media type is none, or the time is under a second or
            over five minutes.
        Unavailable
            There are no credentials.
        """
        if not _SHORTEST <= valid_for <= _LONGEST:
            raise ValueError(f"a link for {valid_for}")
        return self._bucket.signed_address(
            self._ours(key),
            {
                "ResponseContentDisposition": attachment(file_name),
                "ResponseContentType": _sendable(media_type),
            },
            seconds=int(valid_for.total_seconds()),
        )

    def _ours(self, key: str) -> str:
        """The key, which on its way may be normalised and must still be under the prefix then."""
        below = key.removeprefix(self._prefix)
        if (
            below == key
            or {"", ".", ".."} & set(below.split("/"))
            or not key.isprintable()
            or "\\" in key
            or len(key.encode()) > _LONGEST_KEY_BYTES
        ):
            raise ValueError(f"not the key of a material's file: {key!r}")
        return key


def attachment(file_name: str) -> str:
    """A ``Content-Disposition`` that saves a download under that name; ASCII, no line breaks.

    The name comes twice: in ASCII with ``_`` for all else, and in full for whoever reads
    ``filename*``, as all browsers do. What is not visible is left out, also what turns the
    direction of a text around and so hides what kind of file it is.
    https://www.rfc-editor.org/rfc/rfc6266 https://www.rfc-editor.org/rfc/rfc8187
    """
    visible = "".join(c for c in file_name if unicodedata.category(c)[0] != "C").strip()
    name = visible.replace("/", "_").replace("\\", "_") or _NAMELESS
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in _MISREAD else "_" for c in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _sendable(media_type: str) -> str:
    main, slash, sub = media_type.partition("/")
    if not (main and slash and sub and media_type.isascii() and media_type.isprintable()):
        raise ValueError(f"not a media type: {media_type!r}")
    return media_type
