"""The token of this machine's gateway: found by programs of its user only."""

import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgepress_common.local_token import local_token, published_token


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder without anything."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("EDGEPRESS_TOKEN", raising=False)
    return tmp_path


def test_a_token_is_found_while_it_is_published(home: Path) -> None:
    """It is found by the port of the gateway, and not afterwards."""
    with published_token("secret", 8123, home):
        assert (home / "token").read_text() == "secret\n"
        assert local_token("http://127.0.0.1:8123") == "secret"
        assert local_token("http://localhost:8123/") == "secret"
        for other in (
            "http://127.0.0.1:8124",
            "https://127.0.0.1:8123",
            "http://10.0.0.1:8123",
            "http://[",
            "http://x:y",
        ):
            assert local_token(other) is None
    assert local_token("http://127.0.0.1:8123") is None
    assert not (home / "token").exists()


def test_only_the_user_can_read_it(home: Path) -> None:
    """From the first moment on; a file that others could have written or read is not used."""
    with published_token("secret", 8123, home):
        (published,) = (home / "state" / "edgepress").iterdir()
        assert {stat.S_IMODE(file.stat().st_mode) for file in (published, home / "token")} == {0o600}
        assert stat.S_IMODE(published.parent.stat().st_mode) == 0o700
        published.chmod(0o644)
        assert local_token("http://127.0.0.1:8123") is None


def test_a_stack_without_a_home_folder_still_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is then in the state folder alone."""
    (home / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "file"))
    with published_token("secret", 8123, home):
        assert (home / "token").read_text() == "secret\n"


def test_a_stack_that_ends_late_leaves_the_token_of_the_next(home: Path) -> None:
    """Both have had the same port."""
    for name in ("a", "b"):
        (home / name).mkdir()
    with published_token("second", 8123, home / "b"):
        assert local_token("http://127.0.0.1:8123") == "second"
    with ExitStack() as late:
        late.enter_context(published_token("first", 8123, home / "a"))
        with published_token("second", 8123, home / "b"):
            late.close()
            assert local_token("http://127.0.0.1:8123") == "second"
