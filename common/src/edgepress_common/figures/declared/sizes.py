"""Sizes of the .tflite file: as it is, zipped and coded, and with zeros written (dense) and left out (sparse)."""

from edgepress_common.figures.figure import Figure, Goal, Measured, PageColumn, TerminalColumn

_MOST = 2.0**53  # the largest whole number that a JSON number holds exactly
_NOT_SPARSE = "where nothing was pruned or zeros can't be left out"


def _size(
    name: str,
    title: str,
    csv_position: int,
    *,
    unknown: str = "",
    terminal: TerminalColumn | None = None,
    page: PageColumn | None = None,
    goal: Goal | None = None,
) -> Figure:
    return Figure(
        name=name,
        title=title,
        head=title,
        unit="bytes",
        description=f"{title[0].upper()}{title[1:]}{unknown and f'; unknown {unknown}'}.",
        source=Measured("export"),
        direction="lower",
        is_integer=True,
        is_always_known=not unknown,
        csv_position=csv_position,
        terminal=terminal,
        page=page,
        goal=goal,
    )


SIZE = _size(
    "size_bytes",
    "size of the .tflite file",
    17,
    terminal=TerminalColumn(position=14, head="size\nMB", is_wide=False),
    goal=Goal(
        criterion="size",
        field="size_bytes",
        title="size",
        weight=1,
        most=_MOST,
        better="smaller",
        worse="larger",
    ),
)
ZIP = _size(
    "zip_bytes",
    "size of the zipped .tflite file",
    18,
    terminal=TerminalColumn(position=15, head="zip\nMB", is_wide=False),
    page=PageColumn(group="Size", position=33, head="Zipped"),
    goal=Goal(
        criterion="zip",
        field="zip_bytes",
        title="zipped size",
        weight=1,
        most=_MOST,
        better="smaller zipped",
        worse="larger zipped",
        purpose="smallest_to_send",
        purpose_title="Smallest download",
    ),
)
CODED = _size(
    "coded_bytes",
    "size of the coded .tflite file",
    94,
    unknown="for files that an earlier release has exported",
    terminal=TerminalColumn(position=15, head="coded\nMB", is_wide=False, is_optional=True),
    page=PageColumn(group="Size", position=35, head="Coded", is_optional=True),
    goal=Goal(
        criterion="coded",
        field="coded_bytes",
        title="coded size",
        most=_MOST,
        better="smaller coded",
        worse="larger coded",
    ),
)
DENSE = _size(
    "dense_size_bytes",
    "size of the .tflite file with all zeros written",
    51,
    page=PageColumn(group="Size", position=30, head="Dense", is_grey=lambda row: row.encoding == "sparse"),
)
SPARSE = _size(
    "sparse_size_bytes",
    "size of the .tflite file with zeros left out",
    52,
    unknown=_NOT_SPARSE,
    page=PageColumn(group="Size", position=31, head="Sparse", is_grey=lambda row: row.encoding == "dense"),
)
DENSE_ZIP = _size("dense_zip_bytes", "size of the zipped .tflite file with all zeros written", 53)
SPARSE_ZIP = _size("sparse_zip_bytes", "size of the zipped .tflite file with zeros left out", 54, unknown=_NOT_SPARSE)
