"""Importing the catalogue: the whole file or nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.errors import Unavailable
from chalicelib.learning.model import Course
from chalicelib.money import Fen
from chalicelib.ops.catalogue import import_courses
from chalicelib.ops.import_file import CatalogueError
from chalicelib.selling.codes import Charge, PublishStatus
from infra.ops.__main__ import main
from tests.fakes.learning import FakeLearningStore

SAMPLE = Path(__file__).parents[3] / "infra" / "local" / "sample_catalogue.json"


def an_entry(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": "1002",
        "companyId": "22",
        "name": "支付接入实战",
        "charge": "201001",
        "price": "9.90",
        "validDays": 365,
        "status": "203002",
    }
    entry |= changes
    return {name: value for name, value in entry.items() if value is not ...}


def a_file(*entries: object) -> bytes:
    return json.dumps({"courses": entries}, ensure_ascii=False).encode()


def problems_of(text: bytes) -> tuple[str, ...]:
    """The problems of a file, of which nothing may be stored."""
    store = FakeLearningStore()
    with pytest.raises(CatalogueError) as refused:
        import_courses(text, store)
    assert store.course("1002") is None
    return refused.value.problems


def test_a_course_is_imported_with_its_price_in_fen():
    store = FakeLearningStore()

    report = import_courses(a_file(an_entry()), store)

    assert (report.imported, report.not_for_sale) == (1, {})
    assert store.course("1002") == Course(
        course_id="1002",
        company_id="22",
        name="支付接入实战",
        charge=Charge.PAID,
        price_fen=Fen(990),
        valid_days=365,
        publish_status=PublishStatus.PUBLISHED,
    )


def test_what_is_absent_or_null_is_not_guessed():
    store = FakeLearningStore()

    import_courses(
        a_file(
            an_entry(id="1", charge=..., price=..., validDays=...),
            an_entry(id="2", charge=None, price=None, validDays=None),
        ),
        store,
    )

    for course_id in ("1", "2"):
        course = store.course(course_id)
        assert course is not None
        assert (course.charge, course.price_fen, course.valid_days) == (None, None, None)


def test_a_repeated_import_replaces():
    store = FakeLearningStore()
    import_courses(a_file(an_entry()), store)

    import_courses(a_file(an_entry(price="19.9")), store)

    course = store.course("1002")
    assert course is not None
    assert course.price_fen == 1990


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"price": 9.9}, "Expected `str | null`, got `float` - at `$.price`"),
        ({"price": "9.999"}, "not an amount in yuan: '9.999' - at `$.price`"),
        ({"price": "-1"}, "not an amount in yuan: '-1' - at `$.price`"),
        ({"price": ""}, "not an amount in yuan: '' - at `$.price`"),
        (
            {"price": "100000000.01"},
            "more than 100 million yuan: '100000000.01' - at `$.price`",
        ),
        ({"validDays": 0}, "Expected `int` >= 1 - at `$.validDays`"),
        ({"validDays": "365"}, "Expected `int | null`, got `str` - at `$.validDays`"),
        ({"charge": "201002"}, "Invalid enum value '201002' - at `$.charge`"),
        ({"status": "1"}, "Invalid enum value '1' - at `$.status`"),
        ({"status": ...}, "Object missing required field `status`"),
        ({"name": ""}, "Expected `str` of length >= 1 - at `$.name`"),
        ({"validdays": 365}, "Object contains unknown field `validdays`"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(changes, problem):
    text = a_file(an_entry(id="1001"), an_entry(**changes))

    assert problems_of(text) == (f"entry 2 (id '1002'): {problem}",)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (an_entry(id=7), "entry 1 (id 7): Expected `str`, got `int` - at `$.id`"),
        (an_entry(id=...), "entry 1: Object missing required field `id`"),
        ("1002", "entry 1: Expected `object`, got `str`"),
    ],
)
def test_an_entry_without_a_usable_id_is_named_by_its_place(entry, problem):
    assert problems_of(a_file(entry)) == (problem,)


@pytest.mark.parametrize("course_id", ["a#b", "", "a" * 65, "课", "1002\n"])
def test_an_id_that_no_route_would_accept_is_refused(course_id):
    (problem,) = problems_of(a_file(an_entry(id=course_id)))

    assert problem.endswith("- at `$.id`")


def test_every_problem_is_told_at_once():
    text = a_file(an_entry(price="x"), an_entry(), an_entry(), an_entry(status="x"))

    assert [problem.split(":")[0] for problem in problems_of(text)] == [
        "entry 1 (id '1002')",
        "entry 3 (id '1002')",
        "entry 4 (id '1002')",
    ]


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"courses": {}}', b'{"courses": [}', b"\xff", b'{"course": []}']
)
def test_a_text_that_is_no_catalogue_is_refused(text):
    (problem,) = problems_of(text)

    assert problem.startswith("not a catalogue: ")


def test_the_sample_has_courses_to_take_and_courses_that_are_refused():
    store = FakeLearningStore()

    report = import_courses(SAMPLE.read_bytes(), store)

    assert report.imported == 8
    assert report.not_for_sale == {
        "1005": "课程尚未发布，暂不可选购",
        "1006": "课程已下线，暂不可选购",
        "1007": "收费课程未设置价格，暂不可购买",
        "1008": "收费课程未设置有效期，暂不可购买",
    }


# the command line


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeLearningStore:
    store = FakeLearningStore()
    monkeypatch.setattr(wiring, "learning_store", lambda: store)
    return store


def test_the_command_reports_counts(store, capsys):
    assert main(["catalogue", "import", str(SAMPLE)]) == 0

    out = capsys.readouterr().out
    assert out.startswith("8 courses imported, 4 not for sale now\n")
    assert "1007: 收费课程未设置价格，暂不可购买" in out
    assert store.course("1002") is not None


def test_the_command_names_what_is_wrong_and_imports_nothing(store, capsys, tmp_path):
    file = tmp_path / "catalogue.json"
    file.write_bytes(a_file(an_entry(), an_entry(id="1003", price="free")))

    assert main(["catalogue", "import", str(file)]) == 1

    assert "entry 2 (id '1003'): not an amount in yuan: 'free'" in capsys.readouterr().err
    assert store.course("1002") is None


def test_the_command_says_that_a_file_is_missing(store, capsys, tmp_path):
    assert main(["catalogue", "import", str(tmp_path / "none.json")]) == 1

    assert "No such file" in capsys.readouterr().err


def test_the_command_says_that_the_database_does_not_answer(monkeypatch, capsys):
    class Unreachable(FakeLearningStore):
        def put_course(self, course: Course) -> None:
            raise Unavailable(detail="DynamoDB: no answer")

    monkeypatch.setattr(wiring, "learning_store", Unreachable)

    assert main(["catalogue", "import", str(SAMPLE)]) == 1

    assert "DynamoDB: no answer" in capsys.readouterr().err


def test_a_missing_command_shows_the_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["catalogue"])

    assert ended.value.code == 2
