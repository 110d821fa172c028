"""A declaration's code version is a part of the keys of its steps, and of no others."""

import json
from pathlib import Path

import pytest

from edgepress_common.spec import EXPORTS, METHODS
from fakes.extension_program import run_with_extensions

pytestmark = pytest.mark.slow  # starts programs: declarations are read once in a process

PROGRAM = """
import json, sys
from edgepress_common.plan import make_plan
from edgepress_common.spec import JobSpec
spec = {
    "name": "versions",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
    "pipelines": [
        {"name": "plain", "stages": [{"kind": "prune"}], "exports": ["int8"]},
        {"name": "toy", "stages": [{"kind": "toy_method"}], "exports": ["int8", "toy_export"]},
    ],
}
plan = make_plan(JobSpec.model_validate(spec), fingerprint="", devices=("any",))
titles = {step.key: step.title for step in plan.steps}
print(json.dumps({f"{each.name} {titles[key]}": key for each in plan.pipelines for key in each.steps}))
"""
METHOD = """
from typing import Literal
from edgepress_common.spec.method import FineTuning, Method

class ToyStage(FineTuning):
    kind: Literal["toy_method"] = "toy_method"

METHOD = Method(kind="toy_method", title="Toy", summary="", paper=None, limits="", cost="", parameters=ToyStage,
                describe=lambda stage, network: "toy"{version})
"""
EXPORT = """
from typing import Literal
from edgepress_common.spec.export import ExportFormat, ExportParameters

class ToyExport(ExportParameters):
    kind: Literal["toy_export"] = "toy_export"

EXPORT = ExportFormat(kind="toy_export", title="toy", summary="", parameters=ToyExport{version})
"""


def keys(folder: Path, *, method: str = "", export: str = "") -> dict[str, str]:
    """Return the keys of a job's steps, with declarations that have these versions."""
    files = {
        "methods/toy_method.py": METHOD.format(version=method),
        "exports/toy_export.py": EXPORT.format(version=export),
    }
    done = run_with_extensions(PROGRAM, files, folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_another_version_changes_the_keys_of_its_own_steps_and_of_those_that_follow(tmp_path: Path) -> None:
    """A pack, a training, a pruned network and its files are still those of before."""
    before = keys(tmp_path)
    assert keys(tmp_path, method=", code_version=1", export=", code_version=1") == before
    method = keys(tmp_path, method=", code_version=2")
    assert {name for name in before if before[name] != method[name]} == {
        "toy toy_method", "toy int8", "toy int8 on any", "toy toy_export", "toy toy_export on any",
    }  # fmt: skip
    export = keys(tmp_path, export=", code_version=2")
    assert {name for name in before if before[name] != export[name]} == {"toy toy_export", "toy toy_export on any"}
    assert keys(tmp_path, export=", code_version=3")["toy toy_export"] != export["toy toy_export"]


def test_methods_and_exports_of_today_have_the_first_version_but_one() -> None:
    """Their keys are those of the releases before declarations had a version."""
    later = {each.kind: each.code_version for each in (*METHODS.values(), *EXPORTS.values()) if each.code_version != 1}
    assert later == {"prune_channels": 2}
