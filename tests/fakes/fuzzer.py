"""Sends every kind of request, as two users and a device of a gateway that has data of both users.

Requests are made by schemathesis from the OpenAPI description: fitting and unfitting ones for each operation by itself,
and sequences in which an answer's ids become the next request's (stateful). Every answer must be one that the
description has, never a fault of the server's, and have nothing of another user.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from edgepress_api.web.app import create_app
from fakes.gateway_app import JSON, GatewayApp, spec_json
from fakes.zip_beginning import zip_of_bytes

if TYPE_CHECKING:
    from schemathesis.generation.stateful.state_machine import APIStateMachine

_CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip
_AT_ONCE = 5  # of one operation, before the next is asked


@dataclass
class Figures:
    """Requests sent, and the answers to them.

    Attributes:
        statuses: Number of answers by status.
        operations: How often each operation was asked for.
        stateful: Requests that came out of an answer before.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    stateful: int = 0

    @property
    def requests(self) -> int:
        """How many in all."""
        return self.statuses.total()


@dataclass(frozen=True)
class _Sender:
    """One who sends requests.

    Attributes:
        token: The token.
        secrets: Words that only data of others contains.
    """

    token: str
    secrets: Sequence[str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Fuzzer:
    """Sends requests as anna, as ben and as a device to a gateway on which both users have jobs and a data set.

    Args:
        gateway: Which one. Reached from elsewhere, so that tokens are asked for.
        seed_: Of what is sent: the same one sends the same.
    """

    def __init__(self, gateway: GatewayApp, seed_: int) -> None:
        self.figures = Figures()
        self._found: BaseException | None = None
        self._gateway = gateway
        self._seed = seed_
        anna, ben = (_data_of(gateway, user) for user in ("anna", "ben"))
        self._senders = (
            _Sender(gateway.token("anna", "read", "submit"), ben),
            _Sender(gateway.token("ben", "read", "submit"), anna),
            _Sender(gateway.token("carl", "device", device="pi4"), (*anna, *ben)),
        )
        self._sender = self._senders[0]
        gateway.is_stopping = True  # streams and long polls end at once
        load_all_checks()
        self._checks = [CHECKS.get_one(name) for name in _CHECKED]
        app = create_app(gateway.adapters)
        self._schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=self._sender.headers)

    def send(self, requests: int) -> Figures:
        """Sends at least so many, a third of them stateful."""
        round_ = 0
        while self.figures.stateful < requests // 3:
            self._send_in_sequence(round_)
            round_ += 1
        while self.figures.requests < requests:
            for mode in GenerationMode:
                self._send_one_by_one(mode, round_)
            round_ += 1
        return self.figures

    def _send_one_by_one(self, mode: GenerationMode, round_: int) -> None:
        for found in self._schema.get_all_operations():
            with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
                requests = given(case=found.ok().as_strategy(generation_mode=mode))
                seed(self._seed + round_)(_settings(_AT_ONCE)(requests(self._send)))()

    def _send(self, case: Any) -> None:
        if self.figures.requests % 2:
            _make_possible(case)
        # Two requests each, so that each sender sends specs that are made possible and others.
        self._sender = self._senders[self.figures.requests // 2 % len(self._senders)]
        self.check(case, case.call(headers=self._sender.headers))

    def _send_in_sequence(self, round_: int) -> None:
        fuzzer = self
        self._sender = self._senders[round_ % len(self._senders)]

        class Sequences(self._schema.as_state_machine()):  # type: ignore[misc]  # made at run time
            def before_call(self, case: Any) -> None:
                _make_possible(case)

            def get_call_kwargs(self, case: Any) -> dict[str, Any]:  # noqa: ARG002 - the library's signature
                return {"headers": fuzzer._sender.headers}

            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                fuzzer.figures.stateful += 1
                fuzzer.check(case, response)

        machine: type[APIStateMachine] = seed(self._seed + round_)(Sequences)
        # What a server answers depends on all it was asked before. Where hypothesis takes that for one sequence that
        # goes two ways, it gives up; what a check has found by then is raised all the same.
        with suppress(FlakyStrategyDefinition):
            machine.run(settings=settings(_settings(_AT_ONCE), stateful_step_count=20))
        if self._found is not None:
            raise self._found

    def check(self, case: Any, response: Any) -> None:
        """Counts an answer, and fails if there should be none like it."""
        self.figures.statuses[response.status_code] += 1
        self.figures.operations[case.operation.label] += 1
        try:
            self._check(case, response)
        except BaseException as found:
            self._found = found
            raise

    def _check(self, case: Any, response: Any) -> None:
        case.validate_response(response, checks=self._checks)
        asked = json.dumps([case.path_parameters, case.query, repr(case.body)], default=repr)
        said = response.content.decode(errors="replace")
        leaked = [secret for secret in self._sender.secrets if secret in said and secret not in asked]
        assert not leaked, f"{case.operation.label} showed {leaked} of another user's: {said[:500]}"


def _make_possible(case: Any) -> None:
    """Make a spec name an existing network and data set, which the OpenAPI description can't specify."""
    if case.operation.label == "POST /v1/jobs" and isinstance(case.body, dict):
        case.body = case.body | {
            "name": "fuzz",
            "model": {"architecture": "resnet18"},
            "dataset": {"kind": "builtin", "image_size": 32},
            "evaluation": {},
        }


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _data_of(gateway: GatewayApp, user: str) -> Sequence[str]:
    """Store two jobs and a data set of a user; return all words that could identify them."""
    client, mark = gateway.client_as(user, "read", "submit"), f"of-{user}-alone"
    headers = {"Content-Type": "application/zip"}
    archive = zip_of_bytes(604, f"{user}/1.png")
    upload = client.post(f"/v1/datasets?name={mark}", content=archive, headers=headers).json()
    dataset = upload["dataset"] | {"image_size": 32}
    jobs = [
        client.post("/v1/jobs", content=spec_json(name=f"{mark} {number}", dataset=dataset), headers=JSON).json()["id"]
        for number in range(2)
    ]
    gateway.workforce.work_until_nothing_is_left()
    return [mark, upload["sha256"], *jobs]
