"""A report as a table in the terminal, at most 100 columns wide."""

from rich.table import Table


def report_table(report) -> Table:
    """The comparison, a row for each model, device and number of threads."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "pipeline",
        "export",
        "device",
        "thr",
        "acc %",
        "p50 ms",
        "p90 ms",
        "total s",
        "size",
        "zip",
        "x smaller",
        "float ops",
    ):
        table.add_column(name, justify="left" if name in {"pipeline", "export", "device"} else "right")
    return table
