"""``GET /v1/jobs/{id}/models/{sha256}/errors``: the images that a file classifies wrongly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgepress_common.answers.file_errors import FileErrors
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.jobs import with_test_split
from fakes.packed import FLOAT32, INT8, show_images

HELD_OUT = {"kind": "builtin", "image_size": 32, "test_fraction": 0.2}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayApp, str]]:
    """A gateway with a job that has a test split, and its id."""
    gateway = sqlite_gateway(tmp_path_factory.mktemp("gateway"))
    gateway.workforce.change = with_test_split
    job = gateway.finished_job(dataset=HELD_OUT)
    show_images(gateway)
    yield gateway, job
    gateway.database.close()


def errors(finished: tuple[GatewayApp, str], file: str, **query: str) -> FileErrors:
    """Return the answer."""
    gateway, job = finished
    answer = gateway.client.get(f"/v1/jobs/{job}/models/{file}/errors", params=query)
    assert answer.status_code == 200, answer.json()
    return FileErrors.model_validate_json(answer.content)


def indices(found: FileErrors) -> list[int]:
    """Return the images of a page, in order."""
    return [image.index for image in found.images]


def test_wrong_images_are_those_that_the_evaluator_reported(finished: tuple[GatewayApp, str]) -> None:
    """The surest wrong answer is first, with its score and that of the true class, and what float32 answers."""
    found = errors(finished, INT8)
    assert (found.file.name, found.device, found.split, found.total) == ("base int8", "pi", "validation", 2)
    assert found.against is not None
    assert found.against.model_sha256 == FLOAT32
    assert indices(found) == [1, 2]
    first, second = found.images
    assert first.label == 0
    assert first.file.model_dump() == {"predicted": 1, "score": 0.9, "true_score": 0.1}
    assert first.other is not None
    assert first.other.model_dump() == {"predicted": 0, "score": None, "true_score": None}
    assert (second.label, second.file.predicted) == (1, 0)
    assert (found.by_class, found.confusion) == ((1, 1), ((1, 1), (1, 1)))


@pytest.mark.parametrize(
    ("selection", "file", "expected"),
    [("lost", INT8, [1]), ("gained", INT8, []), ("differs", INT8, [1]),
     ("lost", FLOAT32, []), ("gained", FLOAT32, [1])],
)  # fmt: skip
def test_two_files_are_compared_image_by_image(
    finished: tuple[GatewayApp, str], selection: str, file: str, expected: list[int]
) -> None:
    """Lost by compression: float32 is right, int8 is wrong; gained is the reverse."""
    against = FLOAT32 if file == INT8 else INT8
    assert indices(errors(finished, file, selection=selection, against=against)) == expected


def test_a_cell_of_the_confusion_matrix_has_its_images(finished: tuple[GatewayApp, str]) -> None:
    """Images are selected by true and predicted class; the counts by class stay those of all selected images."""
    found = errors(finished, INT8, true_class="1", predicted_class="0")
    assert (indices(found), found.total, found.by_class) == ([2], 1, (1, 1))


def test_the_test_split_is_shown_with_a_warning(finished: tuple[GatewayApp, str]) -> None:
    """The job has ended."""
    found = errors(finished, INT8, split="test", selection="lost")
    assert (indices(found), found.splits) == ([2], ("validation", "test"))
    assert "uses the test split up" in found.note


def test_pages_have_each_image_once(finished: tuple[GatewayApp, str]) -> None:
    """A token belongs to one selection."""
    gateway, job = finished
    first = errors(finished, INT8, page_size="1")
    second = errors(finished, INT8, page_size="1", page_token=str(first.next_page_token))
    assert indices(first) + indices(second) == [1, 2]
    assert second.next_page_token is None
    other = {"page_size": "1", "page_token": str(first.next_page_token), "selection": "lost"}
    assert gateway.client.get(f"/v1/jobs/{job}/models/{INT8}/errors", params=other).status_code == 422


@pytest.mark.parametrize(
    ("query", "field"),
    [("selection=all", "selection"), ("split=train", "split"), ("device=pi9", "device"), ("against=x", "against"),
     (f"against={'0' * 64}", "against"), (f"against={INT8}", "against"), ("true_class=2", "true_class"),
     ("predicted_class=2", "predicted_class"), ("page_token=zzzz", "page_token"), ("cat=1", "cat")],
)  # fmt: skip
def test_an_invalid_query_is_refused(finished: tuple[GatewayApp, str], query: str, field: str) -> None:
    """The parameter is named."""
    gateway, job = finished
    answer = gateway.client.get(f"/v1/jobs/{job}/models/{INT8}/errors?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_file_of_another_job_or_user_is_not_found(finished: tuple[GatewayApp, str]) -> None:
    """A file that the job does not have, and a job of another user."""
    gateway, job = finished
    assert gateway.client.get(f"/v1/jobs/{job}/models/{'0' * 64}/errors").status_code == 404
    anna, ben = (gateway.client_as(name, "submit", "read") for name in ("anna", "ben"))
    own = anna.post("/v1/jobs", content=spec_json(dataset=HELD_OUT), headers=JSON).json()["id"]
    assert anna.get(f"/v1/jobs/{own}/models/{INT8}/errors").status_code == 200  # its steps were done
    assert ben.get(f"/v1/jobs/{own}/models/{INT8}/errors").status_code == 404


def test_the_test_split_is_held_back_while_a_job_runs(tmp_path: Path) -> None:
    """One of two files is measured: its validation images can be shown."""
    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = with_test_split
    job = gateway.submit(dataset=HELD_OUT)
    gateway.workforce.finish_all_steps()
    assert gateway.workforce.evaluate()
    show_images(gateway)
    file = gateway.client.get(f"/v1/jobs/{job}/report?format=json").json()["rows"][0]["model_sha256"]
    path = f"/v1/jobs/{job}/models/{file}/errors"
    assert gateway.client.get(path).json()["splits"] == ["validation"]
    answer = gateway.client.get(f"{path}?split=test")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "split")
    # Without a second file there is nothing to compare with.
    answer = gateway.client.get(f"{path}?selection=lost")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "selection")


def test_an_older_evaluator_has_not_reported_answers(tmp_path: Path) -> None:
    """The wrong images are known by its bits; what they are taken for is not."""
    gateway = sqlite_gateway(tmp_path)
    job = gateway.finished_job()
    show_images(gateway, is_reported=False)
    found = errors((gateway, job), INT8)
    assert indices(found) == [1, 2]
    assert [image.file.predicted for image in found.images] == [None, None]
    assert "too old" in found.note


def test_the_oldest_evaluators_have_reported_nothing(tmp_path: Path) -> None:
    """Without bits, there is nothing to show."""
    gateway = sqlite_gateway(tmp_path)
    job = gateway.finished_job()
    answer = gateway.client.get(f"/v1/jobs/{job}/models/{'f' * 64}/errors")
    assert answer.status_code == 404
