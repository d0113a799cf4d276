from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infra.local.aws.container import ContainerGone, ProcessContainer, RunFailed

NewContainer = Callable[[str], ProcessContainer]


@pytest.fixture
def container_of() -> Iterator[NewContainer]:
    made: list[ProcessContainer] = []

    def new(function_name: str) -> ProcessContainer:
        made.append(ProcessContainer("tests.integration.local.sample_app:app", function_name))
        return made[-1]

    yield new
    for container in made:
        container.end()


def test_a_container_survives_a_run_that_fails(container_of: NewContainer) -> None:
    container = container_of("greeting")
    with pytest.raises(RunFailed, match="RuntimeError: greeting failed"):
        container.run({"fail": True}, 60)
    container.run({"fail": False}, 60)


def test_a_run_that_outlives_its_time_is_killed(container_of: NewContainer) -> None:
    container = container_of("deaf")
    with pytest.raises(ContainerGone, match=r"killed after 1\.2 s"):
        container.run({}, 0.2)
    with pytest.raises(ContainerGone, match="ended"):
        container.run({}, 60)


def test_a_process_that_dies_is_gone(container_of: NewContainer) -> None:
    with pytest.raises(ContainerGone, match="ended"):
        container_of("dying").run({}, 60)


def test_a_function_that_the_app_lacks_is_gone(container_of: NewContainer) -> None:
    with pytest.raises(ContainerGone, match="ended"):
        container_of("missing").run({}, 60)
