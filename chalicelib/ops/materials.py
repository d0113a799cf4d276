"""Import study materials and their files: the whole catalogue is checked before any is stored.

A catalogue is a JSON object with one list; files lie beside it or below, and nowhere else::

    {"materials": [{"id": "7001", "companyId": "22", "name": "对账手册", "charge": "201001",
                    "price": "9.90", "status": "203002", "file": "files/reconciling.md"}]}

``charge`` and ``price`` may be absent, as in the catalogue of courses. ``fileName`` is what a
download is called, ``mediaType`` what it is; both follow from ``file`` when they are absent.

A file is stored under its own hash, and the row that names it after it. So a killed import leaves a
catalogue whose rows all have their files, importing again completes it, and a link that was handed
out before leads to the file that it was handed out for. No file is ever removed.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec

from chalicelib.errors import NotForSale
from chalicelib.money import Fen
from chalicelib.ops.import_file import GoodsEntry, ImportReport, Text, checked, entries_of
from chalicelib.resources.model import Material, MaterialFile
from chalicelib.resources.ports import MaterialFiles, ResourcesStore
from chalicelib.selling.terms import terms_of

MAX_FILE_BYTES = 64 * 1024 * 1024
_NAMES_OF_ROUTES = frozenset({"choose", "mine"})
"""Below ``/resources``: what has such an id could not be asked for."""
_EXTENSION = re.compile(r"\.[0-9a-z]{1,16}", re.ASCII)
_ANY_BYTES = "application/octet-stream"
# https://www.rfc-editor.org/rfc/rfc6838#section-4.2, and a parameter such as charset=utf-8
_MEDIA_TYPE = (
    r"\A[0-9A-Za-z][0-9A-Za-z_!#$&^.+-]{0,63}/[0-9A-Za-z][0-9A-Za-z_!#$&^.+-]{0,63}"
    r"(; ?[0-9A-Za-z_-]+=[0-9A-Za-z_.-]+)?\Z"
)


class FileChanged(RuntimeError):
    """A file is not what it was when it was checked. Some materials may be stored already."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    materials: list[msgspec.Raw]


class _Entry(GoodsEntry, rename="camel", forbid_unknown_fields=True, kw_only=True):
    file: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    file_name: Text | None = None
    media_type: Annotated[str, msgspec.Meta(pattern=_MEDIA_TYPE)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """An entry whose file was there, and may be read."""

    entry: _Entry
    price_fen: Fen | None
    path: Path
    name: str
    media_type: str


def import_materials(
    text: bytes, folder: Path, *, store: ResourcesStore, files: MaterialFiles, key_prefix: str
) -> ImportReport:
    """Check every material and its file, then store them one by one; repeating it is safe.

    Parameters
    ----------
    text
        The catalogue, JSON in UTF-8.
    folder
        Where it lies; no file outside of it is read, whatever an entry or a link says.
    key_prefix
        What the keys of all files begin with.

    Raises
    ------
    CatalogueError
        Something in the catalogue, or a file, is wrong. Nothing was stored.
    FileChanged
        A file was changed meanwhile. Some materials may be stored; import the catalogue again.
    Unavailable
        A store did not answer; the same holds.
    """
    planned = checked(entries_of(text, _File).materials, partial(_planned, folder.resolve()))
    materials = [_stored(plan, store, files, key_prefix) for plan in planned]
    return ImportReport(imported=len(materials), not_for_sale=dict(_not_for_sale(materials)))


def _planned(folder: Path, raw: msgspec.Raw) -> tuple[str, _Planned]:
    entry = msgspec.json.decode(raw, type=_Entry)
    if entry.id in _NAMES_OF_ROUTES:
        raise ValueError(f"a route has this name: {entry.id!r} - at `$.id`")
    price_fen = entry.price_fen()
    path = _readable(folder, entry.file)
    name = entry.file_name or Path(entry.file).name
    if not name.isprintable() or "/" in name or "\\" in name:
        raise ValueError(f"not the name of a file: {name!r} - at `$.fileName`")
    return entry.id, _Planned(
        entry=entry,
        price_fen=price_fen,
        path=path,
        name=name,
        media_type=entry.media_type or _media_type_of(name),
    )


def _readable(folder: Path, given: str) -> Path:
    """The file that an entry names, if it is one of ours to publish."""
    try:
        if not given.isprintable():
            raise ValueError("not the path of a file")
        outside = Path(given).is_absolute() or ".." in Path(given).parts
        path = folder if outside else (folder / given).resolve(strict=True)
        if folder not in path.parents:
            raise ValueError("not inside the catalogue's folder")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("not a regular file")
        if not 0 < found.st_size <= MAX_FILE_BYTES:
            raise ValueError(f"{found.st_size} bytes, not from 1 to {MAX_FILE_BYTES}")
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{error.strerror}: {given!r} - at `$.file`") from error
    except (ValueError, RuntimeError) as error:  # a loop of links is the latter before Python 3.13
        raise ValueError(f"{error}: {given!r} - at `$.file`") from error
    return path


def _media_type_of(name: str) -> str:
    """By the list that Python brings along: a machine's own list would make imports differ."""
    media_type, packed = mimetypes.MimeTypes().guess_type(name)
    return _ANY_BYTES if media_type is None or packed is not None else media_type


def _stored(
    plan: _Planned, store: ResourcesStore, files: MaterialFiles, key_prefix: str
) -> Material:
    content = _content(plan.path)
    sha256 = hashlib.sha256(content).hexdigest()
    extension = plan.path.suffix.lower()
    extension = extension if _EXTENSION.fullmatch(extension) else ""
    key = f"{key_prefix}{plan.entry.id}/{sha256}{extension}"
    files.put(key, content, plan.media_type)
    material = Material(
        material_id=plan.entry.id,
        company_id=plan.entry.company_id,
        name=plan.entry.name,
        charge=plan.entry.charge,
        price_fen=plan.price_fen,
        publish_status=plan.entry.status,
        file=MaterialFile(
            key=key,
            name=plan.name,
            media_type=plan.media_type,
            size_bytes=len(content),
            sha256=sha256,
        ),
    )
    store.put_material(material)
    return material


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileChanged(f"{path}: {error.strerror}") from error
    if not 0 < len(content) <= MAX_FILE_BYTES:
        raise FileChanged(f"{path}: it has another size now")
    return content


def _not_for_sale(materials: Sequence[Material]) -> Iterator[tuple[str, str]]:
    for material in materials:
        try:
            terms_of(material, called="资料")
        except NotForSale as refusal:
            yield material.material_id, refusal.message
