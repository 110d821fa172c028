"""The dashboard of a gateway that requires a token, in a real browser: what it asks for, stores, sends and deletes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from edgepress_api.access.principal import Principal
from edgepress_api.database import Database
from fakes.browser import PHONE, Visitor, spec_text, visitor
from fakes.gateway_app import GatewayApp
from fakes.gateway_process import running_gateway
from fakes.jobs import small_spec

ANNA = Principal(user="anna", scopes=frozenset({"submit", "read"}))
SPEC = """
name: in words
dataset: {kind: builtin, image_size: 32}
model: {architecture: resnet18}
pipelines: [{name: base, exports: [int8]}]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[GatewayApp, str]]:
    """A gateway that asks even its own machine; and its address."""
    with running_gateway(tmp_path, EDGEPRESS_REQUIRE_TOKENS="true") as (_, url):
        yield GatewayApp(Database(f"sqlite:///{tmp_path}/edgepress.db"), tmp_path), url


def test_a_token_opens_the_dashboard_for_one_tab(browser: Browser, served: tuple[GatewayApp, str]) -> None:
    """Wrong, right, kept over pages, used to post, to cancel and to fetch files, and forgotten."""
    gateway, url = served
    done = gateway.submission.submit(small_spec(), gateway.now, by=ANNA)
    gateway.workforce.work_until_nothing_is_left()
    token = gateway.token("anna", "submit", "read")
    with visitor(browser, url, PHONE, accept_downloads=True) as someone:
        page = someone.page
        page.goto("/")
        sign_in(page, "edgepress_000000000000_wrong")
        expect(page.locator("#token-error")).to_contain_text("unknown token")
        check(someone)
        sign_in(page, token)
        page.get_by_role("link", name="digits").click()
        see_files(page, done)
        post_in_words(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#state")).to_have_text("cancelled")
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        check(someone)
        assert page.context.cookies() == []
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
    with visitor(browser, url, PHONE) as other:
        other.page.goto(f"/jobs/{done}")
        expect(other.page.get_by_role("dialog")).to_be_visible()
        assert "digits" not in other.page.content()


def sign_in(page: Page, token: str) -> None:
    """Types it in."""
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in").click()


def see_files(page: Page, job_id: str) -> None:
    """The report opens in a tab of its own, and is fetched as a file; by scripts, which have the token."""
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open report").click()
    expect(popup.value.get_by_role("heading", name="digits", exact=True)).to_be_visible()
    assert popup.value.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "auto"
    popup.value.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == f"{job_id}.csv"
    assert Path(download.value.path()).read_text().startswith("pipeline,")


def post_in_words(page: Page) -> None:
    """A spec as YAML; what is wrong with it is said, and that of the form is where it begins."""
    page.get_by_role("link", name="New job", exact=True).first.click()
    page.get_by_label("Name", exact=True).first.fill("by hand")
    page.get_by_role("button", name="YAML or JSON").click()
    text = page.get_by_label("Spec, as YAML or JSON")
    assert spec_text(page) == (
        "name: by hand\ndataset:\n  kind: builtin\n  image_size: 32\nmodel:\n  architecture: resnet18\n"
    )
    text.fill(SPEC.replace("resnet18", "resnet19"))
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("#problems")).to_contain_text("model.architecture")
    text.fill(SPEC)
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url("**/jobs/job-*")
    expect(page.get_by_role("heading", name="in words")).to_be_visible()


def check(someone: Visitor) -> None:
    """Check that the browser logged only the expected refusals."""
    expected = ("status of 401", "status of 422")
    someone.complaints = [each for each in someone.complaints if not any(status in each for status in expected)]
    someone.check()
