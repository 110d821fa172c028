"""``edgepress-evaluator join``: what it stores, writes and runs."""

import io
import json
import os
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgepress_common import __version__
from edgepress_common.answers.caller import Caller
from edgepress_common.errors import InvalidInputError
from edgepress_evaluator.join.board import Board
from edgepress_evaluator.join.command import System, Wishes, join
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_evaluator.stored_settings import store
from fakes.gateway import FakeGateway, served

TOKEN = "edgepress_3f2a9c41d07e_secret"


class Recorder:
    """Remembers the commands that it is told to run."""

    def __init__(self, failing: str = "") -> None:
        self.commands: list[str] = []
        self.environment: dict[str, str] = {}
        self._failing = failing

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        line = " ".join(command)
        self.commands.append(line)
        failed = bool(self._failing) and self._failing in line
        return subprocess.CompletedProcess(command, int(failed), "", "Failed to connect to bus" if failed else "")

    def replace_process(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.commands.append(" ".join(command))
        self.environment = environment

    def system(self) -> System:
        return System(run=self.run, replace_process=self.replace_process)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_command: tuple[str, ...]) -> Path:
    """A home for any user that runs the tests."""
    monkeypatch.setenv("EDGEPRESS_PYTHON_COMMAND", json.dumps(python_command))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("EDGEPRESS_EVALUATOR_SETTINGS", str(tmp_path / "config" / "edgepress" / "evaluator.json"))
    return tmp_path


@pytest.fixture
def gateway() -> FakeGateway:
    gateway = FakeGateway(token=TOKEN)
    gateway.caller = Caller(user="lab", scopes=("device",), device="pi4", known=None, server_version=__version__)
    return gateway


@pytest.fixture
def stored(home: Path) -> Path:
    """The settings file."""
    return home / "config" / "edgepress" / "evaluator.json"


def test_the_settings_are_stored_for_their_owner_alone(
    gateway: FakeGateway, stored: Path, home: Path, monkeypatch: pytest.MonkeyPatch, python_command: tuple[str, ...]
) -> None:
    """The evaluator then runs with them, and its command line does not have the token."""
    monkeypatch.setenv("EDGEPRESS_GATEWAY", "http://another.example")
    recorder = Recorder()
    with served(gateway) as address:
        assert join(Wishes(address, TOKEN), recorder.system())
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert json.loads(stored.read_text()) == {
        "gateway": address,
        "token": TOKEN,
        "device": "pi4",
        "evaluator_cache": str(home / "state" / "edgepress" / "evaluator"),
    }
    assert recorder.commands == [" ".join([*python_command, "-m", "edgepress_evaluator.main"])]
    assert "EDGEPRESS_GATEWAY" not in recorder.environment  # would be stronger than the stored one
    monkeypatch.delenv("EDGEPRESS_GATEWAY")
    settings = EvaluatorSettings.read()
    assert (settings.gateway, settings.device) == (address, "pi4")
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN


def test_the_environment_is_stronger_than_the_stored_settings(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is for every program of Edgepress."""
    store(stored, {"gateway": "https://one.example", "device": "one"})
    monkeypatch.setenv("EDGEPRESS_DEVICE", "two")
    assert (EvaluatorSettings.read().gateway, EvaluatorSettings.read().device) == ("https://one.example", "two")


def test_a_folder_that_was_chosen_is_kept(
    gateway: FakeGateway, stored: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set in the environment, or was when the board joined before; an argument changes it."""
    with served(gateway) as address:
        monkeypatch.setenv("EDGEPRESS_EVALUATOR_CACHE", str(home / "one"))
        assert join(Wishes(address, TOKEN), Recorder().system())
        monkeypatch.delenv("EDGEPRESS_EVALUATOR_CACHE")
        assert join(Wishes(address, TOKEN), Recorder().system())
        assert json.loads(stored.read_text())["evaluator_cache"] == str(home / "one")
        assert join(Wishes(address, TOKEN, cache=home / "two"), Recorder().system())
        assert json.loads(stored.read_text())["evaluator_cache"] == str(home / "two")


@pytest.mark.parametrize("content", ["{", "[]", '{"device": "Not a name"}'])
def test_stored_settings_that_can_not_be_used_are_named(stored: Path, content: str) -> None:
    """With the file, or the setting and its value."""
    stored.parent.mkdir(parents=True)
    stored.write_text(content)
    with pytest.raises(InvalidInputError, match=r"evaluator\.json|DEVICE is 'Not a name'"):
        EvaluatorSettings.read()


def test_a_file_that_was_readable_by_others_is_replaced(stored: Path) -> None:
    """Its mode changes with its content."""
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    stored.chmod(0o644)
    store(stored, {"token": TOKEN})
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_settings_that_can_not_be_stored_are_an_error(tmp_path: Path) -> None:
    """The message names the variable for another place, such as on a disk that is not read-only."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="set EDGEPRESS_EVALUATOR_SETTINGS"):
        store(tmp_path / "file" / "evaluator.json", {"token": TOKEN})


@pytest.mark.parametrize("source", ["environment", "input", "dash"])
def test_the_token_need_not_be_an_argument(
    gateway: FakeGateway, stored: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """It comes from the environment, or from standard input."""
    if source == "environment":
        monkeypatch.setenv("EDGEPRESS_TOKEN", TOKEN)
    else:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    with served(gateway) as address:
        assert join(Wishes(address, "-" if source == "dash" else None), Recorder().system())
    assert json.loads(stored.read_text())["token"] == TOKEN


def test_a_check_stores_and_starts_nothing(gateway: FakeGateway, stored: Path) -> None:
    """The findings are all that it gives."""
    recorder = Recorder()
    with served(gateway) as address:
        assert join(Wishes(address, TOKEN, only_check=True), recorder.system())
    assert (stored.exists(), recorder.commands) == (False, [])


def test_a_problem_ends_it(
    gateway: FakeGateway, stored: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is stored; findings are on standard output, the problem on standard error."""
    recorder = Recorder()
    with served(gateway) as address:
        assert not join(Wishes(address, TOKEN, device="pi5"), recorder.system())
        ok = capsys.readouterr()
        assert "ok       64-bit Linux" in ok.out
        assert ok.err.startswith("problem  the token is for the device 'pi4', not for 'pi5'")
        old = replace(Board.here(), machine="armv7l", word_bits=32)
        assert not join(Wishes(address, TOKEN), replace(recorder.system(), board=old))
    assert "problem  this is a 32-bit system (armv7l)" in capsys.readouterr().err
    assert (stored.exists(), recorder.commands) == (False, [])


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes("gateway:8000", TOKEN), "'gateway:8000' is not the address of a gateway"),
        (Wishes("ftp://gateway", TOKEN), "is not the address of a gateway"),
        (Wishes("https://user:pass@gateway", TOKEN), "contains a user name or password"),
        (Wishes("https://gateway", "hunter2"), "this is not a token of Edgepress"),
        (Wishes("https://gateway", "edgepress_a b"), "this is not a token of Edgepress"),
        (Wishes("https://gateway", TOKEN, authority=Path("/no/such.pem")), "--authority is '/no/such.pem'"),
        (Wishes("https://gateway", TOKEN, cache=Path("x"), service="system"), "--cache is not possible with"),
    ],
)
def test_an_argument_that_can_not_be_used_is_refused(wishes: Wishes, said: str) -> None:
    """Before anything is checked; a wrong token is not repeated."""
    with pytest.raises(InvalidInputError) as caught:
        join(wishes, Recorder().system())
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_unit_of_the_user_is_written_and_started(
    gateway: FakeGateway, home: Path, stored: Path, python_command: tuple[str, ...]
) -> None:
    """It runs the same program, with the stored settings, and starts again after a failure."""
    recorder = Recorder()
    with served(gateway) as address:
        assert join(Wishes(address, TOKEN, service="user"), recorder.system())
    unit = (home / "config" / "systemd" / "user" / "edgepress-evaluator.service").read_text()
    assert f"ExecStart={' '.join(python_command)} -m edgepress_evaluator.main\n" in unit
    assert f"Environment=EDGEPRESS_EVALUATOR_SETTINGS={stored}\n" in unit
    assert "Restart=always\n" in unit
    assert "RestartPreventExitStatus=2\n" in unit
    assert unit.endswith("WantedBy=default.target\n")
    assert "secret" not in unit
    assert recorder.commands == [
        "systemctl --user daemon-reload",
        "systemctl --user enable edgepress-evaluator.service",
        "systemctl --user restart edgepress-evaluator.service",
    ]


def test_a_systemd_that_refuses_is_quoted(gateway: FakeGateway) -> None:
    """A container has no systemd, and some users have no session."""
    with served(gateway) as address, pytest.raises(InvalidInputError, match="daemon-reload failed: Failed to connect"):
        join(Wishes(address, TOKEN, service="user"), Recorder(failing="daemon-reload").system())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write a unit of the system")
def test_a_unit_of_the_system_needs_root() -> None:
    """The message has the command to repeat, which sudo finds."""
    with pytest.raises(InvalidInputError, match=r"needs root; accepted: --systemd user.* or: sudo /"):
        join(Wishes("https://gateway", TOKEN, service="system"), Recorder().system())
