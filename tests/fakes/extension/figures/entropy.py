"""How much of the file's bytes could be coded away."""

from edgepress_common.figures.figure import Derived, Figure, Measured, Sample

ENTROPY = Figure(
    name="entropy",
    title="entropy of the file",
    head="Entropy",
    unit="bit",
    description="Entropy of a byte of the .tflite file.",
    source=Measured("export"),
    direction="lower",
)


def _ideal_bytes(of: Sample) -> int | None:
    """Return the size; None for a file that was exported without the folder."""
    entropy = of.export.figures.get("entropy")
    return None if entropy is None else round(of.export.size_bytes * entropy / 8)


CODED = Figure(
    name="ideal_bytes",
    title="size of the file, coded byte by byte",
    head="Coded",
    unit="bytes",
    description="Least size of the .tflite file, if each byte is coded by itself.",
    source=Derived(_ideal_bytes, "size and entropy", by="export"),
    direction="lower",
    is_integer=True,
)
