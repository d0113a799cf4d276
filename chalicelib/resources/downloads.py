"""Handing out download links: to owners, for a few minutes, through no log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from chalicelib.errors import Forbidden, NotFound
from chalicelib.resources.model import MaterialFile
from chalicelib.resources.ports import MaterialFiles, ResourcesStore


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLink:
    """Where to download a file until ``expires_at``.

    Whoever has ``url`` can download, so it is in no text that this value makes of itself.
    """

    url: str = field(repr=False)
    expires_at: datetime
    file: MaterialFile


class MaterialDownloads:
    """Lets owners download.

    Parameters
    ----------
    valid_for
        How long a link can be used.
    """

    def __init__(
        self, *, store: ResourcesStore, files: MaterialFiles, clock: Clock, valid_for: timedelta
    ) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._valid_for = valid_for

    def link(self, user_id: str, material_id: str) -> DownloadLink:
        """A new link for a user who has a live grant; also when the material is offline by now.

        Changes nothing, and asks nobody but our own store. ``expires_at`` is never later than the
        link's own end, unless the credentials that signed it end first.

        Raises
        ------
        NotFound
            There is no such material.
        Forbidden
            The user has not bought it, or has it no more.
        """
        material = self._store.material(material_id)
        if material is None:
            raise NotFound("资料不存在", detail=f"material {material_id}")
        owned = self._store.owned(user_id, material_id)
        if owned is None or owned.opening is None:
            raise Forbidden("您还没有购买该资料", detail=f"material {material_id} is not owned")
        now = self._clock.now()
        file = material.file
        url = self._files.link(
            file.key, file_name=file.name, media_type=file.media_type, valid_for=self._valid_for
        )
        return DownloadLink(url=url, expires_at=now + self._valid_for, file=file)
