"""The Helm chart agrees with the programs that it runs, as far as that shows without Helm."""

import re
from pathlib import Path

import pytest
import yaml

from edgepress_api.secrets import generation
from edgepress_api.settings import ApiSettings
from edgepress_common.messages import QUEUES
from edgepress_common.settings import SECRETS_DIR
from edgepress_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "edgepress"
TEMPLATES = "\n".join(path.read_text() for path in sorted((CHART / "templates").iterdir()))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def test_the_chart_has_the_version_of_the_packages() -> None:
    """`make version` writes both."""
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "common" / "pyproject.toml").read_text(), re.MULTILINE)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_settings_of_the_chart_are_those_of_the_programs() -> None:
    """A renamed setting is renamed here, too."""
    known = {f"EDGEPRESS_{name.upper()}" for kind in (ApiSettings, WorkerSettings) for name in kind.model_fields}
    used = set(re.findall(r"name: (EDGEPRESS_\w+)", TEMPLATES))
    assert used
    assert used <= known | {SECRETS_DIR}


def test_queues_have_the_kinds_of_steps_of_the_scheduler() -> None:
    """The number of workers follows the steps that their queues carry."""
    declared = {"train": ["stage"], "convert": ["pack", "export"]}
    assert {queue: [kind for kind, of in QUEUES.items() if of == queue] for queue in QUEUES.values()} == declared
    for kinds in declared.values():
        words = " ".join(f'"{kind}"' for kind in kinds)
        assert words in TEMPLATES


def test_a_secret_is_a_folder_of_the_command_that_creates_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So `kubectl create secret generic edgepress-NAME --from-file=NAME` is all that is needed; no value is set."""
    monkeypatch.setenv("EDGEPRESS_SECRETS_FOLDER", str(tmp_path))
    generation.main()
    assert set(VALUES["secrets"]) == {path.name for path in tmp_path.iterdir()}
    assert set(VALUES["secrets"].values()) == {""}


def test_bundled_servers_are_those_of_the_composition() -> None:
    """The same images, with the same rules for what Redis keeps."""
    composition = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for server in ("redis", "postgres"):
        assert composition[server]["image"].endswith(f":-{VALUES[server]['image']}}}")
    command = composition["redis"]["command"]
    for option in ("--appendfsync", "--maxmemory-policy"):
        assert f"{option}, {command[command.index(option) + 1]}" in TEMPLATES
