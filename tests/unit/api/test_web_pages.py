"""The dashboard's pages and their files: the same for all users, without external resources and data of jobs."""

import gzip
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.pages import Page

IMPORT = r'from "\./([^"]+)"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"  # what browsers accept for a page
ROOT = Path(__file__).parents[3]
PAGES = (
    "/",
    "/new",
    "/devices",
    "/compare",
    "/jobs/job-1",
    "/jobs/job-1/search",
    f"/jobs/job-1/models/{'a' * 64}",
    f"/jobs/job-1/models/{'a' * 64}/errors",
    "/jobs/job-1/data",
    f"/datasets/{'a' * 64}",
    "/comparisons/cmp-1",
)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway that is reachable from other machines, and receives requests without a token."""
    return sqlite_gateway(tmp_path, host="0.0.0.0")


def test_pages_are_the_same_for_existing_and_unknown_jobs(gateway: GatewayApp) -> None:
    """The requests are without a token."""
    before = {path: gateway.client.get(path).text for path in PAGES}
    job_id = gateway.finished_job(name="patients")
    assert {path: gateway.client.get(path).text for path in PAGES} == before
    assert gateway.client.get(f"/jobs/{job_id}").text == before["/jobs/job-1"]
    assert not any("patients" in text for text in before.values())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_loads_only_what_is_its_own(gateway: GatewayApp, path: str) -> None:
    """Each file that it names exists, and has the media type that browsers require."""
    page = Page(gateway.client.get(path).text)
    assert page.loaded
    for address in page.loaded:
        assert address.startswith("/static/")
        loaded = gateway.client.get(address)
        assert loaded.status_code == 200, address
        kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}[address.rpartition(".")[2]]
        assert loaded.headers["content-type"].startswith(kind)


def test_scripts_import_only_scripts_that_exist(gateway: GatewayApp) -> None:
    """Imports are followed from the page's own script; none has an address of another host."""
    to_read, read = {Page(gateway.client.get(path).text).scripts[0] for path in PAGES}, set()
    while to_read:
        address = to_read.pop()
        read.add(address)
        script = gateway.client.get(address)
        assert script.status_code == 200, address
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", script.text) == [], address
        to_read |= {f"/static/{name}" for name in re.findall(IMPORT, script.text)} - read
    assert len(read) > len(PAGES)


def test_a_page_may_run_the_gateways_scripts_and_no_others(gateway: GatewayApp) -> None:
    """Inline scripts and external scripts are blocked; an answer that is not a page may run no script."""
    policy = gateway.client.get("/").headers["content-security-policy"]
    script = re.search("script-src ([^;]*);", policy)
    assert script is not None
    # A report that the page opens has the policy of the page, so both scripts of reports are named.
    assert re.fullmatch("'self'( 'sha256-[A-Za-z0-9+/]{43}=')( 'sha256-[A-Za-z0-9+/]{43}=')", script[1])
    assert policy.startswith("default-src 'none'; ")
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
    """On loopback, links work without a token."""
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
def test_only_the_dashboards_files_are_served(tmp_path: Path, name: str) -> None:
    """No spelling of a path reaches another file."""
    response = sqlite_gateway(tmp_path).client.get(f"/static/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/jobs/a/b/c", "/new/", "/<script>alert(1)</script>"])
def test_a_browser_gets_a_page_for_an_unknown_address(tmp_path: Path, path: str) -> None:
    """Browsers get HTML with links to the pages that exist; other clients get a problem."""
    client = sqlite_gateway(tmp_path).client
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(response.text)
    assert "Page not found" in page.text
    assert path in page.text
    assert page.scripts == []
    assert {"/", "/new", "/devices", "/compare", "/docs"} <= set(page.links)
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", ""):
        media_type = client.get(path, headers={"Accept": accept}).headers["content-type"]
        assert media_type == "application/problem+json", accept


def test_a_browser_gets_a_problem_of_the_api_as_json(tmp_path: Path) -> None:
    """The API has an address for the job, so the answer is its own."""
    response = sqlite_gateway(tmp_path).client.get("/v1/jobs/job-1", headers={"Accept": BROWSER})
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_only_reading_pages_is_possible_without_a_token(gateway: GatewayApp) -> None:
    """Other methods on their addresses need a token, as all requests do."""
    for path in PAGES:
        assert gateway.client.post(path).status_code == 401, path
    for path in ("/jobs", "/jobs/job-1/models", "/static", "/static/a/b", "/new/", "/jobs/a/b/c"):
        assert gateway.client.get(path).status_code == 401, path


@pytest.mark.parametrize("library", ["echarts.js", "editor.js"])
def test_a_library_is_the_one_that_was_reviewed(gateway: GatewayApp, library: str) -> None:
    """Its SHA-256 is recorded next to it; its licences are in the package."""
    vendor = files("edgepress_api.web") / "vendor"
    recorded, name = (vendor / f"{library}.sha256").read_text().split()
    assert name == library
    served = gateway.client.get(f"/static/{name}")
    assert hashlib.sha256(served.content).hexdigest() == recorded
    assert served.text.startswith("/*! ")
    licences = (vendor / "LICENSES.txt").read_text()
    assert f"{library} contains parts of the following works." in licences


def test_the_licences_name_the_versions_that_are_locked() -> None:
    """The chart library and each package of the editor are named."""
    licences = (files("edgepress_api.web") / "vendor" / "LICENSES.txt").read_text()
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    named = re.findall(r"(@?[a-z][a-z0-9/-]+) (\d+\.\d+\.\d+)(?=[,\n])", licences.partition("editor.js contains")[2])
    assert {name for name, _ in named} >= {"@codemirror/view", "@lezer/yaml", "yaml", "style-mod"}
    for name, version in named:
        assert locked[f"node_modules/{name}"]["version"] == version, name
    assert f"Apache ECharts {locked['node_modules/echarts']['version']}" in licences


@pytest.mark.parametrize(
    ("path", "library"), [("/jobs/job-1", "echarts.js"), ("/jobs/job-1/search", "echarts.js"), ("/new", "editor.js")]
)
def test_a_page_with_a_library_weighs_less_than_300_kb(gateway: GatewayApp, path: str, library: str) -> None:
    """With all scripts, styles and the library, as the gateway sends them."""
    to_read, read = [*Page(gateway.client.get(path).text).loaded, f"/static/{library}"], set()
    total = 0
    while to_read:
        address = to_read.pop()
        if address not in read:
            read.add(address)
            content = gateway.client.get(address).text
            total += len(gzip.compress(content.encode(), 5))
            to_read += [f"/static/{name}" for name in re.findall(IMPORT, content)]
    assert 160_000 < total < 300_000
