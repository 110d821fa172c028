"""Sends hostile archives, .keras files, results of devices, specs and requests for events to one gateway.

After each answer: it is not a server error; an error is a problem as the API describes it; nothing of another user is
in it; and it did not take long. After each kind of input: refused uploads have left no bytes, the process has not grown
by much, every job and its report can be shown, and a valid request succeeds.
"""

from __future__ import annotations

import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from edgepress_api.database import DatasetRow, ModelRow
from edgepress_client.following import read_events
from edgepress_common.answers.jobs import JobEvent, JobProgress
from edgepress_common.answers.problems import Problem
from edgepress_common.devices import EvaluationLease
from fakes.gateway_app import JSON, YAML, GatewayApp, spec_json
from fakes.jobs import ANNOUNCEMENT, evaluation_result
from fakes.mutations import archive, as_json, keras_upload, mutated_bytes, mutated_json, mutated_yaml
from fakes.zip_beginning import zip_of_bytes

MOST_SECONDS = 20.0  # for one answer, on a busy machine; the valid ones take less than 0.1 s
MOST_GROWTH_BYTES = 400 << 20  # of the process, over all inputs of a kind
_MARK = "of-anna-alone"
_SPEC = """\
name: fuzz
dataset: {kind: builtin, image_size: 32}
model:
  architecture: resnet18
training:
  epochs: 2
  augmentation: {horizontal_flip: true}
pipelines:
  - name: base
    exports: [float32, int8]
  - name: pruned
    stages: [{kind: prune, schedule: {kind: polynomial, final_sparsity: 0.8}}]
    exports: [{kind: int8, input_type: uint8}]
goals: {weights: {accuracy: 3}}
"""


@dataclass
class InputFuzzer:
    """See the module.

    Attributes:
        gateway: The gateway; it requires tokens.
        seed: Seed of what is sent.
        statuses: Number of answers by kind of input and status.
    """

    gateway: GatewayApp
    seed: int = 0
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        anna = self.gateway.client_as("anna", "read", "submit")
        upload = anna.post(f"/v1/datasets?name={_MARK}", content=zip_of_bytes(604), headers=_ZIP)
        job = anna.post("/v1/jobs", content=spec_json(name=_MARK), headers=JSON).json()["id"]
        self._secrets = (_MARK, upload.json()["sha256"], job)
        self.gateway.workforce.work_until_nothing_is_left()
        self._ben = self.gateway.client_as("ben", "read", "submit")
        self._device = self.gateway.client_as("carl", "device", device="pi4")
        self._job = self._ben.post("/v1/jobs", content=_SPEC, headers=YAML).json()["id"]
        self._second = self._ben.post("/v1/jobs", content=spec_json(name="b"), headers=JSON).json()["id"]
        self._lease: EvaluationLease | None = None
        while steps := self.gateway.workforce.take():
            for step in steps:
                self.gateway.workforce.finish(step)

    def send(self, inputs: int) -> None:
        """Send so many inputs of each kind.

        Raises:
            AssertionError: The gateway did something that it must not do.
        """
        kinds: dict[str, Callable[[], Any]] = {
            "archives": self._archive,
            "models": self._model,
            "specs": self._spec,
            "events": self._events,
            "results": self._result,
        }
        for kind, send in kinds.items():
            counted = self.statuses.setdefault(kind, Counter())
            before = _peak_bytes()
            for number in range(inputs):
                began = time.monotonic()
                answer = send()
                seconds = time.monotonic() - began
                assert seconds < MOST_SECONDS, f"{kind} {number}: {seconds:.0f} s"
                counted[answer.status_code] += 1
                self._check(f"{kind} {number}", answer)
            assert _peak_bytes() - before < MOST_GROWTH_BYTES, f"{kind}: the process grew too much"
            self._check_all()

    def _archive(self) -> Any:
        return self._ben.post("/v1/datasets?name=x", content=archive(self._rng), headers=_OCTETS)

    def _model(self) -> Any:
        return self._ben.post("/v1/models?name=x", content=keras_upload(self._rng), headers=_OCTETS)

    def _spec(self) -> Any:
        if self._rng.random() < 0.5:
            content, headers = mutated_yaml(self._rng, _SPEC), YAML
        else:
            content, headers = as_json(mutated_json(self._rng, json.loads(spec_json()))), JSON
        return self._ben.post("/v1/jobs?validate_only=true", content=content, headers=headers)

    def _events(self) -> Any:
        """Ask for events, of a job of either user, and read them as the client does, whole and damaged."""
        numbers = ("0", "-1", "1", str(2**31), str(2**63 - 1), str(2**63), "1e3", "0x1", " 1", "\u0661", "", "nan")
        job = self._rng.choice((self._secrets[2], self._job, "job-0", "%00", "a" * 300))
        params = {"last_event_id": self._rng.choice(numbers)} if self._rng.random() < 0.3 else {}
        headers = {"Last-Event-ID": self._rng.choice(numbers).encode()} if self._rng.random() < 0.6 else {}
        self.gateway.is_stopping = job == self._job  # it has not ended, and the stream would go on
        answer = self._ben.get(f"/v1/jobs/{job}/events", params=params, headers=headers)
        self.gateway.is_stopping = False
        if answer.status_code == 200:
            for event in read_events(iter(answer.text.split("\n"))):
                (JobProgress if event.type == "progress" else JobEvent).model_validate_json(event.data)
            damaged = mutated_bytes(self._rng, answer.content).decode(errors="replace")
            assert len([*read_events(iter(damaged.split("\n")))]) <= damaged.count("\n")
        return answer

    def _result(self) -> Any:
        """Report a result of the leased evaluation; if it is accepted, it can be shown, and is then discarded."""
        if self._lease is None:
            lease = self._device.post("/v1/devices/pi4/lease", content=ANNOUNCEMENT.model_dump_json(), headers=JSON)
            assert lease.status_code == 200, lease.text
            self._lease = EvaluationLease.model_validate_json(lease.content)
        path = f"/v1/devices/pi4/leases/{self._lease.step_key}/{self._lease.attempt}/finish"
        content = as_json(mutated_json(self._rng, evaluation_result("pi4").model_dump(mode="json")))
        if self._rng.random() < 0.2:
            content = mutated_bytes(self._rng, content)
        answer = self._device.post(path, content=content, headers=JSON)
        if answer.status_code == 204:
            self._check_all()
            assert self._ben.delete(f"/v1/steps/{self._lease.step_key}/result").status_code == 202
            self._lease = None
        return answer

    def _check(self, name: str, answer: Any) -> None:
        assert answer.status_code < 500, f"{name}: {answer.status_code} {answer.text[:2000]}"
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", name
            problem = Problem.model_validate_json(answer.content)
            assert problem.status == answer.status_code, name
            assert len(answer.content) < 50_000, f"{name}: an error of {len(answer.content)} bytes"
        asked = str(answer.request.url)
        leaked = [secret for secret in self._secrets if secret in answer.text and secret not in asked]
        assert not leaked, f"{name}: {leaked} of another user: {answer.text[:500]}"

    def _check_all(self) -> None:
        for path in self._shown():
            answer = self._ben.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        assert self._ben.post("/v1/jobs?validate_only=true", content=_SPEC, headers=YAML).status_code == 200
        self._check_store()

    def _shown(self) -> Iterator[str]:
        yield "/health/ready"
        yield "/v1/datasets"
        yield "/v1/models"
        yield f"/v1/comparison?job={self._job}&job={self._second}"
        for end in ("", "/plan", "/spec", "/report", "/report.csv", "/report.html", "/recommendation"):
            yield f"/v1/jobs/{self._job}{end}"

    def _check_store(self) -> None:
        """Check that refused uploads leave nothing: each artifact belongs to an upload that is listed."""
        with self.gateway.database.read() as session:
            listed = {sha256 for table in (DatasetRow, ModelRow) for sha256 in session.scalars(select(table.sha256))}
        kept = {artifact.sha256 for artifact in self.gateway.store.list_artifacts()}
        assert kept <= listed, f"left behind by refused uploads: {kept - listed}"
        incoming = [*(self.gateway.folder / "artifacts" / "incoming").iterdir()]
        assert incoming == []


_ZIP = {"Content-Type": "application/zip"}
_OCTETS = {"Content-Type": "application/octet-stream"}


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
