"""``GET /v1/datasets/{source}/samples``, and single images as PNG."""

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgepress_common.answers.samples import Samples
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.jobs import with_test_split
from fakes.packed import LABELS, augment, images, show_images
from fakes.zip_beginning import zip_of_bytes

HELD_OUT = {"kind": "builtin", "image_size": 32, "test_fraction": 0.2}
ZIP = {"Content-Type": "application/zip"}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway whose jobs have a test split."""
    gateway = sqlite_gateway(tmp_path)
    gateway.workforce.change = with_test_split
    return gateway


def samples(gateway: GatewayApp, source: str, **query: str) -> Samples:
    """Return the answer."""
    answer = gateway.client.get(f"/v1/datasets/{source}/samples", params=query)
    assert answer.status_code == 200, answer.json()
    return Samples.model_validate_json(answer.content)


def test_samples_are_of_all_classes_in_turn(gateway: GatewayApp) -> None:
    """Two pages have all images once, and a class has its own."""
    job = gateway.finished_job(dataset=HELD_OUT)
    show_images(gateway)
    first = samples(gateway, job, page_size="10")
    assert first.dataset is not None
    assert first.dataset.classes == ("0", "1")
    assert [image.label for image in first.images] == [0, 1] * 5
    assert (first.split, first.splits, first.total) == ("train", ("train", "validation", "test"), 16)
    second = samples(gateway, job, page_size="10", page_token=str(first.next_page_token))
    assert second.next_page_token is None
    assert sorted(image.index for image in first.images + second.images) == list(range(16))
    only = samples(gateway, job, split="test", class_name="1")
    assert [(image.index, image.label) for image in only.images] == [(3, 1), (4, 1), (5, 1)]


def test_an_image_is_what_was_packed(gateway: GatewayApp) -> None:
    """Bit for bit, as a PNG that browsers keep forever."""
    job = gateway.finished_job()
    show_images(gateway)
    found = samples(gateway, job, split="validation")
    path = f"/v1/artifacts/{found.images_sha256}/images/3"
    answer = gateway.client.get(path)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), images("validation")[3])
    again = gateway.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("index", ["4", "2147483647", "-1", "x"])
def test_an_image_that_is_not_there_is_not_found(gateway: GatewayApp, index: str) -> None:
    """There are four; an index that is not a whole number is not the address of an image either."""
    job = gateway.finished_job()
    show_images(gateway)
    found = samples(gateway, job, split="validation")
    answer = gateway.client.get(f"/v1/artifacts/{found.images_sha256}/images/{index}")
    assert answer.status_code in {404, 422}


def test_only_arrays_of_images_have_images(gateway: GatewayApp) -> None:
    """Labels, other bytes, an empty artifact, and images of other shapes do not."""
    pixels = saved(np.zeros((2, 8, 8, 3), np.uint8))
    others: tuple[npt.NDArray[np.generic], ...] = (
        np.zeros(3, np.int64),
        np.zeros((2, 8, 9, 3), np.uint8),
        np.zeros((2, 8, 8, 1), np.uint8),
        np.zeros((1, 1100, 1100, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.float32),
    )
    for content in (b"", b"\x93NUMPY", b"x" * 1000, pixels[:-1], *map(saved, others)):
        artifact = gateway.store.put_bytes(content)
        answer = gateway.client.get(f"/v1/artifacts/{artifact.sha256}/images/1")
        assert answer.status_code == 404, content[:100]


def saved(values: npt.NDArray[np.generic]) -> bytes:
    """Return an .npy file."""
    content = io.BytesIO()
    np.save(content, values)
    return content.getvalue()


def test_the_test_split_is_shown_when_the_job_has_ended(gateway: GatewayApp) -> None:
    """Before, the answer says so; afterwards it can be asked for."""
    job = gateway.submit(dataset=HELD_OUT)
    for step in gateway.workforce.take():
        gateway.workforce.finish(step)
    show_images(gateway)
    found = samples(gateway, job)
    assert found.splits == ("train", "validation")
    assert found.note is not None
    assert "when the job has ended" in found.note
    answer = gateway.client.get(f"/v1/datasets/{job}/samples?split=test")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "split")
    gateway.workforce.work_until_nothing_is_left()
    assert samples(gateway, job, split="test").total == len(LABELS["test"])


def test_a_job_that_has_not_packed_says_so(gateway: GatewayApp) -> None:
    """There are no images yet."""
    found = samples(gateway, gateway.submit())
    assert (found.dataset, found.images, found.note) == (
        None, (), "The images are shown when the job has packed them.",
    )  # fmt: skip


def test_an_upload_has_its_folders_until_a_job_has_packed_it(gateway: GatewayApp) -> None:
    """Afterwards it has the images of the latest job."""
    stored = gateway.client.post("/v1/datasets?name=pets", content=zipped(), headers=ZIP).json()
    found = samples(gateway, stored["sha256"])
    assert found.job is None
    assert [(each.folder, each.images) for each in found.folders] == [("cat", 2), ("dog", 1)]
    assert found.note is not None
    assert "Post a job" in found.note
    job = gateway.finished_job(dataset=stored["dataset"] | {"image_size": 32})
    show_images(gateway)
    packed = samples(gateway, stored["sha256"])
    assert (packed.job, packed.folders, packed.total) == (job, (), 16)


def zipped() -> bytes:
    """Return an archive of two class folders."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/notes.txt"):
            archive.writestr(name, "")
    return content.getvalue()


@pytest.mark.parametrize(
    ("query", "field"),
    [("split=all", "split"), ("class_name=cat", "class_name"), ("page_size=0", "page_size"),
     ("page_size=101", "page_size"), ("page_token=x", "page_token"), ("page_token=" + "x" * 65, "page_token"),
     ("cat=1", "cat"), ("split=train&split=test", "split"), ("class_name=" + "x" * 1001, "class_name")],
)  # fmt: skip
def test_an_invalid_query_is_refused(gateway: GatewayApp, query: str, field: str) -> None:
    """The parameter is named."""
    job = gateway.finished_job()
    show_images(gateway)
    answer = gateway.client.get(f"/v1/datasets/{job}/samples?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("source", ["job-none", "0" * 64])
def test_an_unknown_source_is_not_found(gateway: GatewayApp, source: str) -> None:
    """A job or an upload that does not exist."""
    assert gateway.client.get(f"/v1/datasets/{source}/samples").status_code == 404


def test_images_of_another_user_are_not_found(gateway: GatewayApp) -> None:
    """The job, the upload and the images of the pack."""
    anna, ben = (gateway.client_as(name, "submit", "read") for name in ("anna", "ben"))
    stored = anna.post("/v1/datasets?name=pets", content=zip_of_bytes(5004), headers=ZIP).json()
    spec = spec_json(dataset=stored["dataset"] | {"image_size": 32})
    job = anna.post("/v1/jobs", content=spec, headers=JSON).json()["id"]
    gateway.workforce.work_until_nothing_is_left()
    show_images(gateway)
    found = Samples.model_validate(anna.get(f"/v1/datasets/{job}/samples").json())
    for path in (
        f"/v1/datasets/{job}/samples",
        f"/v1/datasets/{stored['sha256']}/samples",
        f"/v1/artifacts/{found.images_sha256}/images/0",
    ):
        assert anna.get(path).status_code == 200
        assert ben.get(path).status_code == 404


def test_augmented_images_are_shown_with_what_was_drawn(gateway: GatewayApp) -> None:
    """Each image as it is, and as training saw it, as PNGs of the pixels that the worker stored."""
    augmentation = {"horizontal_flip": True, "rotation_degrees": 15, "brightness": 0.2, "mixup": 0.2, "cutmix": 1}
    job = gateway.finished_job(training={"epochs": 3, "augmentation": augmentation})
    show_images(gateway)
    assert samples(gateway, job).augmented is None
    pixels = augment(gateway)
    found = samples(gateway, job).augmented
    assert found is not None
    assert [(each.index, each.label, each.rows) for each in found.images] == [(0, 0, (0, 1, 2)), (8, 1, (3, 4, 5))]
    assert found.words == (
        "Images as they are, and the pixels that training saw in its first 3 epochs. Each time, an image is mirrored "
        "left to right with probability 0.5, rotated by up to 15° in either direction, changed in brightness by a "
        "factor of 0.8 to 1.2, blended with another image of its batch (mixup 0.2) or pasted over by a square of "
        "another image of its batch (cutmix 1)."
    )
    for sha256, row, expected in (
        (found.images_sha256, 4, pixels[4]),
        (found.originals_sha256, 8, images("train")[8]),
    ):
        answer = gateway.client.get(f"/v1/artifacts/{sha256}/images/{row}")
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), expected)


def test_augmented_images_are_of_their_job(gateway: GatewayApp) -> None:
    """A job of another training does not show them, and an upload shows none."""
    flipped = gateway.finished_job(training={"epochs": 2, "augmentation": {"horizontal_flip": True}})
    show_images(gateway)
    augment(gateway)
    other = gateway.finished_job(training={"epochs": 4})
    assert samples(gateway, flipped).augmented is not None
    assert samples(gateway, other).augmented is None
