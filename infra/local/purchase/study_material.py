"""Buying a study material, as a purchase sees it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from infra.local.purchase.download import DownloadedFile, download
from infra.local.purchase.person import Json, Person
from infra.local.purchase.steps import expect

_AWAITING_PAYMENT = "701002"
_NOT_FOR_THEM = (403, "FORBIDDEN")


@dataclass(frozen=True)
class StudyMaterial:
    """A material of the catalogue; `Goods`. Its owner can download its file."""

    material_id: str = "2001"

    order_type = "60202"
    called = "the study material"
    choosing = "choose the study material (选购资料)"
    announcing = "the result is announced (通知学习资源服务)"
    opening = "the material is mine and is downloaded (开通并下载资料)"
    taking_back = "the material is taken back (收回资料)"

    def choose(self, student: Person) -> str:
        """Choose it; the number of the choose-material record."""
        record = student.asks("POST", f"/resources/choose/{self.material_id}")
        expect("status", record["status"], _AWAITING_PAYMENT)
        expect("owned", record["owned"], False)
        expect("its download", student.refusal_of("GET", self._path), _NOT_FOR_THEM)
        return str(record["id"])

    def is_open(self, student: Person) -> bool:
        """Whether it is one of my materials."""
        return bool(self._mine(student))

    def opened(self, student: Person) -> str:
        """It is one of my materials, and its file comes as the catalogue says."""
        file, told = self.download(student)
        names = [item["fileName"] for item in self._mine(student)]
        for what, seen, wanted in (
            ("the SHA-256 of what came", hashlib.sha256(file.content).hexdigest(), told["sha256"]),
            ("its size in bytes", len(file.content), told["sizeBytes"]),
            ("its file name", file.name, told["fileName"]),
            ("its media type", file.media_type, told["mediaType"]),
            ("what my materials say of it", names, [told["fileName"]]),
        ):
            expect(what, seen, wanted)
        return f"{file.name}, {len(file.content)} bytes, SHA-256 {told['sha256'][:16]}…"

    def taken_back(self, student: Person) -> str:
        """It is gone from my materials, and there is no link to its file."""
        expect("what my materials say of it", self._mine(student), [])
        expect("its download", student.refusal_of("GET", self._path), _NOT_FOR_THEM)
        return f"gone from my materials, its download is answered {_NOT_FOR_THEM[0]}"

    def link(self, student: Person) -> Json:
        """A link to its file, and what the catalogue says of the file."""
        return student.asks("GET", self._path)

    def download(self, student: Person) -> tuple[DownloadedFile, Json]:
        """The file that came by a new link, and what the catalogue says of it."""
        told = self.link(student)
        return download(told["url"]), told

    @property
    def _path(self) -> str:
        return f"/resources/{self.material_id}/download"

    def _mine(self, student: Person) -> list[Json]:
        mine = student.asks("GET", "/resources/mine")["items"]
        return [item for item in mine if item["materialId"] == self.material_id]
