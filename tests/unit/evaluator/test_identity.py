"""The identity of a device."""

from pathlib import Path

from edgepress_evaluator.identity import DeviceIdentity


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
