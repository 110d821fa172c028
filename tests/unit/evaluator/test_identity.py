"""The identity of a device."""

from pathlib import Path

from edgepress_evaluator.identity import DeviceIdentity, kept_identity


def test_a_device_stays_the_same(tmp_path: Path) -> None:
    """After a restart it is the one that it was; a damaged file gives it another."""
    first = DeviceIdentity(tmp_path / "cache")
    value = first.value
    del first
    again = DeviceIdentity(tmp_path / "cache")
    assert again.value == value
    del again
    (tmp_path / "cache" / "identity").write_text("damaged")
    assert DeviceIdentity(tmp_path / "cache").value != value


def test_two_evaluators_that_share_a_folder_are_two_devices(tmp_path: Path) -> None:
    """The second has an identity of its own, and leaves the first's as it is."""
    first, second = DeviceIdentity(tmp_path), DeviceIdentity(tmp_path)
    assert first.value != second.value
    assert (tmp_path / "identity").read_text().strip() == first.value


def test_a_folder_that_cannot_be_written_gives_an_identity_for_a_run(tmp_path: Path) -> None:
    """The evaluator works all the same."""
    (tmp_path / "file").touch()
    assert len(DeviceIdentity(tmp_path / "file").value) == 32


def machine(folder: Path, serial: str | None = None, installation: str | None = None) -> Path:
    """Return the root of a machine with these numbers."""
    for file, content in (("proc/device-tree/serial-number", serial), ("etc/machine-id", installation)):
        if content is not None:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(f"{content}\0")
    return folder


def test_a_card_that_was_copied_to_another_board_is_another_device(tmp_path: Path) -> None:
    """A copy has the same file; the serial number of the board differs. The first board stays the same."""
    first, second = machine(tmp_path / "first", "10000000a"), machine(tmp_path / "second", "10000000b")
    original = DeviceIdentity(tmp_path / "cache", first).value
    assert DeviceIdentity(tmp_path / "cache", first).value == original
    copied = DeviceIdentity(tmp_path / "cache", second).value
    assert copied != original
    assert DeviceIdentity(tmp_path / "cache", second).value == copied


def test_the_identity_of_an_earlier_release_is_kept(tmp_path: Path) -> None:
    """Its file has no serial number; a machine that shows none keeps it, too, as in a container."""
    (tmp_path / "identity").write_text(f"{'a' * 32}\n")
    board = machine(tmp_path / "board", "10000000a")
    assert DeviceIdentity(tmp_path, board).value == "a" * 32
    assert len((tmp_path / "identity").read_text().split()) == 2
    assert DeviceIdentity(tmp_path, machine(tmp_path / "container")).value == "a" * 32
    assert kept_identity(tmp_path) == "a" * 32
    assert kept_identity(tmp_path / "nowhere") is None


def test_on_a_read_only_disk_the_identity_survives_a_restart(tmp_path: Path) -> None:
    """It is derived from the board, or from the installation; its number is not shown."""
    (tmp_path / "file").touch()
    boards = [
        machine(tmp_path / "1", "10000000a", "f" * 32),
        machine(tmp_path / "2", "10000000b", "f" * 32),
        machine(tmp_path / "3", None, "f" * 32),
    ]
    values = [[DeviceIdentity(tmp_path / "file", board).value for _ in range(2)] for board in boards]
    assert all(first == again for first, again in values)
    assert len({first for first, _ in values}) == 3
    assert "f" * 32 not in {first for first, _ in values}
