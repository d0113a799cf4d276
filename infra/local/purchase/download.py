"""A file, as a browser saves it that was given a link.

Whoever has the link can download: it is in no text that is made here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx
from werkzeug.http import parse_options_header

from infra.local.purchase.steps import StepFailed

_TIMEOUT_SECONDS = 30.0
# All that an error of S3 may say here: the rest of it repeats parts of the link.
_ERROR = re.compile(r"<Code>(\w+)</Code>\s*<Message>([^<]*)</Message>")


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """What came, under the name that a browser saves it by."""

    content: bytes = field(repr=False)
    name: str
    media_type: str


def download(link: str) -> DownloadedFile:
    """Follow a link that leads to an attachment.

    Raises
    ------
    StepFailed
        Nobody answers, or not with an attachment.
    """
    try:
        answer = httpx.get(link, timeout=_TIMEOUT_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        raise StepFailed(f"no download: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        raise StepFailed(f"no download: {answer.status_code} {_said(answer)}")
    disposition, options = parse_options_header(answer.headers.get("Content-Disposition"))
    if disposition != "attachment":
        raise StepFailed(f"no attachment, but {disposition or 'something to be shown'}")
    return DownloadedFile(
        content=answer.content,
        name=options.get("filename", ""),
        media_type=answer.headers.get("Content-Type", ""),
    )


def _said(answer: httpx.Response) -> str:
    error = _ERROR.search(answer.text)
    return f"{error[1]}: {error[2]}" if error else "without a reason"
