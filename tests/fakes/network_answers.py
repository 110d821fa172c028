"""``python -m fakes.network_answers FILE MODEL...``: what networks answer to tiny images on the machine that runs this.

Written as .npz: for each model its scores, and what its softmax was given; and as JSON on standard output, what kind of
machine it was and how many operators the delegate took.
"""

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgepress_evaluator.measure.interpreter import Classifier
from fakes.tiny_images import tiny_images

IMAGES = 1000


def _softmax_input(interpreter: Interpreter) -> int:
    (index,) = (int(node["inputs"][0]) for node in interpreter._get_ops_details() if node["op_name"] == "SOFTMAX")
    return index


def main(target: Path, models: list[Path]) -> None:
    """Runs each model on every image."""
    images, _ = tiny_images(IMAGES, seed=7)
    answers: dict[str, Any] = {}
    delegated = {}
    for model in models:
        classifier = Classifier(model, threads=1)
        logits = _softmax_input(classifier._interpreter)
        found = []
        for image in classifier.prepare(images):
            scores = classifier.classify(image)[0]
            found.append((scores, classifier._interpreter.get_tensor(logits)[0]))
        answers[f"{model.stem}_scores"], answers[f"{model.stem}_logits"] = map(np.array, zip(*found, strict=True))
        delegated[model.stem] = sum(each.delegated for each in classifier.operators())
    np.savez(target, **answers)
    sys.stdout.write(json.dumps({"machine": platform.machine(), "delegated": delegated}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
