"""The files of the H5, below ``/h5/``: of one folder, of known types, and of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote_to_bytes

from infra.local.aws.api_gateway import HttpAnswer

_INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
"""What is not one of these is not served: notes and drafts lie in folders too."""


class Files:
    """The files in ``folder``, read at each request so that an edit shows at once.

    Parameters
    ----------
    headers
        Go with every file.
    """

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        self._folder = folder.resolve()
        self._headers = headers

    def answer(self, path: str, *, has: str = "") -> HttpAnswer | None:
        """The file at ``path``, which is percent-encoded and relative to the folder; None: no file.

        ``has`` is the ``If-None-Match`` of who asks: 304 without a body when it is the same. A
        browser asks each time (``no-cache``).
        """
        try:
            file = self._file(path)
            if file is None:
                return None
            content = file.read_bytes()
        except OSError:  # gone meanwhile, or a name that no file can have
            return None
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = (
            ("Content-Type", _TYPES[file.suffix]),
            ("Cache-Control", "no-cache"),
            ("ETag", etag),
            *self._headers.items(),
        )
        if _names(has, etag):
            return HttpAnswer(304, headers)
        return HttpAnswer(200, headers, content)

    def _file(self, path: str) -> Path | None:
        try:
            plain = unquote_to_bytes(path).decode("utf-8")
        except ValueError:
            return None
        if plain == "" or plain.endswith("/"):
            plain += _INDEX
        steps = plain.split("/")
        if not plain.isprintable() or "\\" in plain or any(_leads_away(step) for step in steps):
            return None
        file = self._folder.joinpath(*steps)
        if file.suffix not in _TYPES or not file.is_file():
            return None
        # a symbolic link may still lead out of the folder
        return file if file.resolve().is_relative_to(self._folder) else None


def _leads_away(step: str) -> bool:
    """Empty, ``.``, ``..``, or hidden."""
    return not step or step.startswith(".")


def _names(if_none_match: str, etag: str) -> bool:
    """Weak comparison: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known
