"""The jobs that are run: small, and with as many kinds of steps as there are; and a search.

Other jobs come in pairs. The first of a pair trains, and compresses in all ways one after the other; the
second wants the same training and pruning, and goes on from there otherwise: what they share is to be done once.
"""

from typing import Any

Spec = dict[str, Any]

_EXPORTS = ["float32", "float16", "dynamic", "int16x8", "int8"]
_PRUNE = {"kind": "prune", "epochs": 2}
_CLUSTER = {"kind": "cluster", "epochs": 1}
_QUANTIZE = {"kind": "quantize_aware", "epochs": 2}


def chaos_jobs(seed: int, count: int) -> list[Spec]:
    """So many jobs; the same ones for the same seed."""
    return [_job(seed * 1000 + number // 2, second=number % 2 == 1) for number in range(count)]


def search_job(seed: int) -> Spec:
    """Return the smallest search that learns: ten trials of twelve, in two generations, with promotions and finals.

    Trials differ in zeros and exports, so that they share trainings. The objectives are the same each time a file is
    measured, so the trials have to be.
    """
    return {
        "name": f"chaos search {seed}",
        "dataset": {"kind": "builtin", "name": "digits", "image_size": 16, "test_fraction": 0.2},
        "model": {"architecture": "resnet8"},
        "training": {"epochs": 3, "batch_size": 32, "seed": seed},
        "search": {
            "objectives": ["accuracy", "coded"],
            "space": {
                "networks": [{"architecture": "resnet8"}],
                "teachers": ["none"],
                "keep_macs": [1],
                "zeros": [0, 0.5, 0.8],
                "clusters": [0],
                "quantize_aware": [False],
                "exports": ["float32", "float16", "dynamic", "int8"],
            },
            "budget": {"trials": 10},
            "strategy": "tpe",
            "finalists": 1,
            "seeds": 2,
        },
        "evaluation": {"runs": 10, "warmup_runs": 2},
    }


def _job(training_seed: int, *, second: bool) -> Spec:
    pipelines: list[Spec] = (
        [
            {"name": "base", "exports": ["int8"]},
            {"name": "PQAT", "stages": [_PRUNE, _QUANTIZE], "exports": ["int8"]},
        ]
        if second
        else [
            {"name": "base", "exports": _EXPORTS},
            {"name": "PCQAT", "stages": [_PRUNE, _CLUSTER, _QUANTIZE], "exports": _EXPORTS},
        ]
    )
    return {
        "name": f"chaos {training_seed}{' again' if second else ''}",
        "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
        "model": {"architecture": "mobilenet", "width": 0.25},
        "training": {"epochs": 4, "batch_size": 32, "seed": training_seed},
        "pipelines": pipelines,
        "evaluation": {"runs": 10, "warmup_runs": 2},
    }
