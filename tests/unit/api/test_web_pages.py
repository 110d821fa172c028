"""The dashboard's pages and what they are made of: the same for everybody, nothing from elsewhere, nothing of jobs."""

import re
from pathlib import Path

import pytest

from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.pages import Page

PAGES = ("/", "/new", "/devices", "/compare", "/jobs/job-1", f"/jobs/job-1/models/{'a' * 64}")


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway that others can reach, and of whom nobody has shown a token."""
    return sqlite_gateway(tmp_path, host="0.0.0.0")


def test_pages_are_the_same_whatever_there_is(gateway: GatewayApp) -> None:
    """Without a token, and of jobs that are there as of those that are not."""
    before = {path: gateway.client.get(path).text for path in PAGES}
    job_id = gateway.finished_job(name="patients")
    assert {path: gateway.client.get(path).text for path in PAGES} == before
    assert gateway.client.get(f"/jobs/{job_id}").text == before["/jobs/job-1"]
    assert not any("patients" in text for text in before.values())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_loads_only_what_is_its_own(gateway: GatewayApp, path: str) -> None:
    """Each file that it names is there, and of the type that browsers insist on."""
    page = Page(gateway.client.get(path).text)
    assert page.loaded
    for address in page.loaded:
        assert address.startswith("/static/")
        loaded = gateway.client.get(address)
        assert loaded.status_code == 200, address
        kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}[address.rpartition(".")[2]]
        assert loaded.headers["content-type"].startswith(kind)


def test_scripts_import_what_is_there_and_nothing_else(gateway: GatewayApp) -> None:
    """From the page's own script on, and no address of another host is in any of them."""
    to_read, read = {Page(gateway.client.get(path).text).scripts[0] for path in PAGES}, set()
    while to_read:
        address = to_read.pop()
        read.add(address)
        script = gateway.client.get(address)
        assert script.status_code == 200, address
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", script.text) == [], address
        to_read |= {f"/static/{name}" for name in re.findall(r'from "\./([^"]+)"', script.text)} - read
    assert len(read) > len(PAGES)


def test_a_page_may_run_the_gateways_scripts_and_no_others(gateway: GatewayApp) -> None:
    """None that is written into a page, none from elsewhere; and what is no page may run none at all."""
    policy = gateway.client.get("/").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; " in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in gateway.client.get("/static/api.js").headers["content-security-policy"]
    assert all("<script>" not in gateway.client.get(path).text for path in PAGES)


def test_pages_lead_through_a_proxy(tmp_path: Path) -> None:
    """All links and all that is loaded have the proxy's prefix."""
    gateway = sqlite_gateway(tmp_path, root_path="/edgepress")
    for path in PAGES:
        page = Page(gateway.client.get(path).text)
        addresses = [each for each in (*page.links, *page.loaded) if not each.startswith("#")]
        assert addresses
        assert all(each.startswith("/edgepress/") for each in addresses), path


def test_links_of_a_page_lead_somewhere(tmp_path: Path) -> None:
    """On loopback, where nobody is asked for a token."""
    gateway = sqlite_gateway(tmp_path)
    for path in PAGES:
        for link in Page(gateway.client.get(path).text).links:
            assert link == "#main" or gateway.client.get(link).status_code == 200, link


def test_a_file_that_has_not_changed_is_not_sent_again(gateway: GatewayApp) -> None:
    """It is asked for each time, so that a page never runs scripts of two versions."""
    first = gateway.client.get("/static/page.js")
    assert first.headers["cache-control"] == "no-cache"
    again = gateway.client.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert gateway.client.get("/static/page.js", headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "__init__.py", "%2e%2e"])
def test_nothing_but_the_dashboards_files_is_to_be_had(tmp_path: Path, name: str) -> None:
    """By no spelling of a name."""
    response = sqlite_gateway(tmp_path).client.get(f"/static/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_only_looking_at_pages_is_for_everybody(gateway: GatewayApp) -> None:
    """Whatever else is sent to their addresses wants a token, as everything does."""
    for path in PAGES:
        assert gateway.client.post(path).status_code == 401, path
    for path in ("/jobs", "/jobs/job-1/models", "/static", "/static/a/b", "/new/", "/jobs/a/b/c"):
        assert gateway.client.get(path).status_code == 401, path
