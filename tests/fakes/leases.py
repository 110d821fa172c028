"""Leases of evaluations, as a gateway would give them."""

import hashlib
from pathlib import Path

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import EvaluationLease
from edgepress_common.steps import EvaluationStep
from fakes.tiny_images import CLASSES

STEP_KEY = "5" * 64


def reference_to(path: Path) -> ArtifactRef:
    """A file, as an artifact."""
    content = path.read_bytes()
    return ArtifactRef(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def make_lease(
    model: Path,
    pack: tuple[Path, Path],
    *,
    threads: tuple[int, ...] = (1,),
    warmup_runs: int = 2,
    runs: int = 4,
    full_pass: bool = True,
    classes: tuple[str, ...] = CLASSES,
    lease_seconds: float = 60,
    limit: int | None = None,
    test: tuple[Path, Path] | None = None,
    energy: bool = False,
) -> EvaluationLease:
    """A first attempt to evaluate a model on a pack of images and labels, and on those of a test split."""
    return EvaluationLease(
        step_key=STEP_KEY,
        attempt=1,
        lease_seconds=lease_seconds,
        parameters=EvaluationStep(
            device="any",
            threads=threads,
            warmup_runs=warmup_runs,
            runs=runs,
            full_pass=full_pass,
            images=limit,
            energy=energy,
        ),
        model=reference_to(model),
        images=reference_to(pack[0]),
        labels=reference_to(pack[1]),
        classes=classes,
        test_images=None if test is None else reference_to(test[0]),
        test_labels=None if test is None else reference_to(test[1]),
    )
