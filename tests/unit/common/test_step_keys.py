"""Steps keep their keys from release to release, so that what a server has done stays done."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgepress_common.plan import make_plan
from edgepress_common.spec import JobSpec
from edgepress_common.steps import CODE_VERSIONS

# Written by the code before methods, exports and data set kinds became declarations. The specs `npz`, `upload` and
# `uploaded` (a folder) were written again when packing changed: their paths left the key, uploads have pack version 2.
# `shapes` was written before networks could be cut by depth and image size, and before network slimming.
# Stages that continue a network, and what follows them, were written again when their defaults changed: they state
# estimated statistics, and prune states another rate and another end of its schedule.
# What follows `prune_channels` was written again when its code had version 2.
PINNED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "step_keys.json").read_text())
SPEC: dict[str, Any] = {
    "name": "pinned",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
}


def test_the_keys_were_written_for_the_code_of_today() -> None:
    """A change that raises a version also writes the file again."""
    assert CODE_VERSIONS == {"pack": 1, "stage": 2, "export": 4, "evaluation": 1}


@pytest.mark.parametrize("name", PINNED)
def test_a_spec_gives_the_steps_that_it_always_gave(name: str) -> None:
    """The presets, and specs that use every method, export and data set kind."""
    spec = JobSpec.model_validate(SPEC | PINNED[name]["spec"])
    plan = make_plan(spec, fingerprint="pinned", devices=("any",))
    assert [[step.title, step.key] for step in plan.steps] == PINNED[name]["steps"]
