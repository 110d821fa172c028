"""Makes invalid and hostile inputs from valid ones, reproducibly."""

import copy
import io
import json
import random
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from fakes.image_folders import photograph
from fakes.keras_files import HDF5, keras_file, small_cnn

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 1e-320,
    float("nan"), float("inf"), "", "x", "\0", "\x1b[2J", "\ud800", "é" * 300, "a" * 100_000, "1e999", "../../etc",
    [], {}, [[]], [1] * 2_000, {"kind": "train"}, {"a" * 5_000: 1},
)  # fmt: skip
_NAMES = (
    "a/1.png", "b/2.jpg", "../a/1.png", "/a/1.png", "C:\\a\\1.png", "a/./../b.png", "a/\0.png", "a" * 5_000 + ".png",
    "ä/ö.png", "train/a/1.png", "validation/b/1.png", "a/1.txt", "a/", "", "__MACOSX/a/1.png", "\u202egnp.1/a",
)  # fmt: skip
_BROKEN_PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
_YAML = (
    "&a", "*a", "!!python/object/apply:os.system [id]", "<<: *a", "0x" + "f" * 5_000, "? [a]\n: b", "---", "...",
    "[" * 500, "{a: " * 300, "!!binary aGk=", "2026-01-01", "- - -", ".nan", "~", "%YAML 1.1", "\t", "\x00", "\ufeff",
)  # fmt: skip


def mutated_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with one to four changes: flipped, cut, repeated, inserted, or replaced by extreme numbers."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(changed) + 1), rng.randint(1, 64)
        match rng.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * rng.randint(1, 20)
            case 3:
                changed[at:at] = rng.randbytes(length)
            case _:
                changed[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80"))
    return bytes(changed)


def mutated_json(rng: random.Random, value: Any) -> Any:
    """Return JSON data with one to three places that are replaced, removed, added or repeated."""
    changed = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        containers = [*_containers(changed)]
        if not containers:
            return rng.choice(_VALUES)
        container = rng.choice(containers)
        if isinstance(container, dict):
            name = rng.choice([*container, "unknown"])
            if rng.random() < 0.2:
                container.pop(name, None)
            else:
                container[name] = copy.deepcopy(rng.choice(_VALUES))
        elif rng.random() < 0.3:
            container.extend(container[:1] * rng.randint(1, 50))
        else:
            container[rng.randrange(len(container) + 1) :] = [copy.deepcopy(rng.choice(_VALUES))]
    return changed


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from _containers(child)


def as_json(value: Any) -> bytes:
    """Return JSON as a careless client writes it: with NaN and lone surrogates."""
    return json.dumps(value).encode()


def mutated_yaml(rng: random.Random, text: str) -> bytes:
    """Return YAML with fragments that parsers treat in special ways, or with changed bytes."""
    lines = text.splitlines()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        indent = " " * rng.choice((0, 0, 1, 2, 40))
        match rng.randrange(3):
            case 0:
                lines.insert(at, indent + rng.choice(_YAML))
            case 1:
                lines[at] = f"{lines[at].partition(':')[0]}: {rng.choice(_YAML)}"
            case _:
                lines.append(lines[at])
    content = "\n".join(lines).encode()
    return mutated_bytes(rng, content) if rng.random() < 0.3 else content


def archive(rng: random.Random) -> bytes:
    """Return a zip or tar with names, kinds of members and sizes as an attacker would choose them."""
    members = _members(rng)
    content = _zip(rng, members) if rng.random() < 0.5 else _tar(rng, members)
    return mutated_bytes(rng, content) if rng.random() < 0.3 else content


def _members(rng: random.Random) -> list[tuple[str, bytes]]:
    """Return names and contents: mostly, class folders of images with some hostile members."""
    members = []
    if rng.random() < 0.7:
        names = [f"{name}/{number}.png" for name in rng.choice((("a", "b"), ("ä", "c d", "e"))) for number in range(3)]
        members = [(name, rng.choice(_images())) for name in names]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 6))):
        name = rng.choice(_NAMES) if rng.random() < 0.5 else f"a/{rng.randrange(9)}.jpg"
        content = rng.choice((_BROKEN_PNG, b"", bytes(100_000), mutated_bytes(rng, rng.choice(_images()))))
        members.insert(rng.randint(0, len(members)), (name.replace("\0", "") or "x", content))
    return members


@cache
def _images() -> tuple[bytes, ...]:
    """Return small images in several formats and modes."""
    made: list[bytes] = []
    for mode, kind in (("RGB", "PNG"), ("RGB", "JPEG"), ("P", "GIF"), ("L", "TIFF"), ("RGBA", "WEBP"), ("I;16", "PNG")):
        content = io.BytesIO()
        image = photograph(len(made), side=12)
        (image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)).save(content, kind)
        made.append(content.getvalue())
    return tuple(made)


def _zip(rng: random.Random, members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for name, member in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16 if rng.random() < 0.01 else rng.choice((0, 0o100644 << 16))
            made.writestr(info, member)
        made.comment = b"PK\x05\x06" * 20 if rng.random() < 0.1 else b""
    return file.getvalue()


def _tar(rng: random.Random, members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{rng.choice(('', 'gz', 'bz2', 'xz'))}") as made:  # type: ignore[call-overload]  # one of a few modes
        for name, member in members:
            info = tarfile.TarInfo(name)
            links = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE)
            info.type = rng.choice(links) if rng.random() < 0.01 else tarfile.REGTYPE
            info.linkname = rng.choice(("/etc/passwd", "a/1.png"))
            info.size = len(member) if info.isreg() else 0
            made.addfile(info, io.BytesIO(member))
    return file.getvalue()


def keras_upload(rng: random.Random, weights: bytes = HDF5) -> bytes:
    """Return a .keras file whose configuration, weights or zip are changed.

    Args:
        rng: Source of the changes.
        weights: The HDF5 file before it is changed.
    """
    if rng.random() < 0.1:
        filler = rng.choice((b"[", b"[],", b'{"a":', b"1", b'"', b"\\u0000"))
        return keras_file(text=filler * rng.choice((1_000, 200_000)))
    config = mutated_json(rng, small_cnn()) if rng.random() < 0.7 else small_cnn()
    changed = rng.choice((b"", weights + bytes(10_000), zlib.compress(bytes(1_000)), mutated_bytes(rng, weights)))
    content = keras_file(text=as_json(config), weights=changed if rng.random() < 0.5 else weights)
    return mutated_bytes(rng, content) if rng.random() < 0.3 else content
