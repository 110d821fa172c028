"""The pages with images, in a browser: a data set before and after it is packed, and the errors of a file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from fakes.browser import DESKTOP, PHONE, Visitor, unfold, visitor
from fakes.gateway_app import gateway_with_address
from fakes.jobs import with_test_split
from fakes.packed import INT8, augment, show_images

LOADED = "(all) => all.every((each) => each.complete && each.naturalWidth === 32)"


@dataclass(frozen=True)
class Served:
    """A gateway with a job that has a test split, an upload that no job has packed, and a job with augmentation."""

    url: str
    job: str
    upload: str
    augmented: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gateway."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_with_address(folder) as (gateway, url):
        gateway.workforce.change = with_test_split
        job = gateway.finished_job(dataset={"kind": "builtin", "image_size": 32, "test_fraction": 0.2})
        training = {"epochs": 3, "augmentation": {"horizontal_flip": True, "rotation_degrees": 15}}
        augmented = gateway.finished_job(name="flipped", training=training)
        augment(gateway)
        show_images(gateway)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
                archive.writestr(name, name)
        headers = {"Content-Type": "application/zip"}
        stored = gateway.client.post("/v1/datasets?name=pets", content=content.getvalue(), headers=headers).json()
        yield Served(url, job, stored["sha256"], augmented)


def expect_images(page: Page, count: int) -> None:
    """Check that so many images are shown, each loaded."""
    images = page.locator(".gallery img")
    expect(images).to_have_count(count)
    page.wait_for_function(f"() => ({LOADED})([...document.querySelectorAll('.gallery img')])")


def test_the_data_of_a_job_is_looked_at(browser: Browser, served: Served) -> None:
    """From the job's page: warnings, classes with bars, and the images of a split and a class."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.job}")
        page.get_by_role("link", name="Look at the images").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Data set of digits")
        expect(page.get_by_role("region", name="Look at first")).to_contain_text(
            "fewer than 20 validation images: 0 (2)"
        )
        rows = page.get_by_role("region", name="Images by class").get_by_role("row")
        expect(rows).to_have_text(["ClassTrainingValidationTestBalance", "0823", "1823"])
        expect_images(page, 16)
        someone.check()
        page.get_by_label("Split").select_option("Test")
        expect_images(page, 6)
        page.get_by_label("Class", exact=True).select_option("1")
        expect_images(page, 3)
        page.reload()
        expect_images(page, 3)
        assert page.url.endswith("?split=test&class_name=1")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
        someone.check()


def test_an_upload_is_looked_at_before_a_job(browser: Browser, served: Served) -> None:
    """The form leads to it; its folders are counted, and the page says when there are images."""
    with visitor(browser, served.url, PHONE, color_scheme="dark") as someone:
        page = someone.page
        page.goto("/new")
        page.get_by_label("Data set", exact=True).select_option("upload")
        page.get_by_label("Archive", exact=True).select_option(served.upload)
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Look at the data").click()
        page = opened.value
        expect(page.get_by_role("heading", level=1)).to_have_text("Data set pets")
        expect(page.locator("#note")).to_contain_text("Post a job")
        rows = page.get_by_role("region", name="Images by folder").get_by_role("row")
        expect(rows).to_have_text(["FolderImagesBalance", "cat2", "dog1"])
        someone.page.close()
        Visitor(page, served.url).check()


def test_the_errors_of_a_file_are_chosen_in_its_matrix(browser: Browser, served: Served) -> None:
    """Press a cell by keyboard: it shows its images, again shows all; compared with float32, one image is lost."""
    with visitor(browser, served.url, DESKTOP, color_scheme="dark") as someone:
        page = someone.page
        page.goto(f"/jobs/{served.job}/models/{INT8}")
        page.get_by_role("link", name="Show errors").click()
        expect(page.locator("#about")).to_have_text(
            "2 of 4 validation images are wrong (accuracy 50.00 %), measured on pi."
        )
        expect_images(page, 2)
        captions = page.locator(".gallery figcaption")
        expect(captions.first).to_contain_text("base int8: 1 (90.0 %; true class 10.0 %)")
        expect(captions.first).to_contain_text("base float32: 0")
        someone.check()
        cell = page.get_by_role("button", name="Show 1 image of 1 predicted as 0")
        cell.press("Enter")
        expect_images(page, 1)
        expect(cell).to_have_attribute("aria-pressed", "true")
        expect(cell).to_be_focused()
        cell.press("Enter")
        expect_images(page, 2)
        page.get_by_label("Show images that are").select_option("lost")
        expect(page.locator("#words")).to_have_text(
            "1 validation image lost: base float32 is right, base int8 is wrong."
        )
        expect_images(page, 1)
        page.get_by_label("Split").select_option("Test")
        expect(page.locator("#note")).to_contain_text("uses the test split up")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
        someone.check()


def test_a_cell_on_the_page_of_a_file_leads_to_its_images(browser: Browser, served: Served) -> None:
    """The page shows the split of the matrix."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.job}/models/{INT8}")
        matrix = page.get_by_role("region", name="Confusion matrix, test")
        matrix.get_by_role("link", name="Show 1 of 1 predicted as 0").click()
        expect(page.locator("#words")).to_have_text("2 test images wrong.")
        expect_images(page, 1)
        someone.check()


def test_an_unknown_job_or_file_is_not_found(browser: Browser, served: Served) -> None:
    """The pages say so."""
    with visitor(browser, served.url, DESKTOP) as someone:
        for path, words in (
            ("/jobs/job-none/data", "Data set not found"),
            (f"/datasets/{'0' * 64}", "Data set not found"),
            (f"/jobs/{served.job}/models/{'0' * 64}/errors", "File not found"),
        ):
            someone.page.goto(path)
            expect(someone.page.get_by_role("heading", level=1)).to_have_text(words)


def test_a_decision_is_three_sentences_and_a_slider(browser: Browser, served: Served) -> None:
    """A term has its explanation on focus; the slider is the limit of the accuracy's loss."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.job}")
        section = page.get_by_role("region", name="Recommended for pi")
        expect(section.locator(".summary").first).to_have_text(
            "Ship base float32, the first of 2 files within the limits."
        )
        slider = page.get_by_label("What if the file may be less accurate by")
        expect(slider).to_have_attribute("aria-valuetext", "no limit set")
        slider.press("Home")
        expect(slider).to_have_attribute("aria-valuetext", "at most 0 points")
        unfold(page)
        expect(page.get_by_label("Accuracy loss, points")).to_have_value("0")
        ranking = page.get_by_role("region", name="Ranking for pi")
        expect(ranking).to_contain_text("accuracy drop 25.00 points (limit 0.00 points)")
        page.get_by_role("button", name="Reset to job settings").click()
        expect(slider).to_have_attribute("aria-valuetext", "no limit set")
        term = ranking.get_by_role("button", name="~").last
        expect(ranking.locator("[role=tooltip]:visible")).to_have_count(0)
        term.focus()
        expect(ranking.locator("[role=tooltip]:visible")).to_contain_text("tell the two files apart")
        someone.check()
        term.press("Escape")
        expect(ranking.locator("[role=tooltip]:visible")).to_have_count(0)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
        someone.check()


def test_what_training_saw_is_looked_at(browser: Browser, served: Served) -> None:
    """On the page of the job, where it is folded, and on that of its data; a job without augmentation has neither."""
    with visitor(browser, served.url, DESKTOP) as someone:
        page = someone.page
        page.goto(f"/jobs/{served.augmented}")
        page.get_by_text("Images as training sees them").click()
        expect_images(page, 8)
        expect(page.get_by_alt_text("Image 8, 1, as training saw it in epoch 3")).to_be_visible()
        someone.check()
        page.goto(f"/jobs/{served.augmented}/data")
        region = page.get_by_role("region", name="Images as training sees them")
        expect(region).to_contain_text("rotated by up to 15° in either direction")
        expect(region.locator("img")).to_have_count(8)
        someone.check()
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a width and a height
        someone.check()
        page.goto(f"/jobs/{served.job}/data")
        expect_images(page, 16)
        expect(page.get_by_role("heading", name="Images as training sees them")).to_be_hidden()
