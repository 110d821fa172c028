"""The energy of an inference above idle, and its 95 % interval."""

from edgepress_common.figures.figure import Derived, Figure, Goal, PageColumn, Sample, TerminalColumn

_UNKNOWN = "unknown without evaluation.energy, and where the device has no sensor"


def _part(name: str) -> Derived:
    def part(of: Sample) -> float | None:
        return getattr(of.measurement.energy, name, None)

    return Derived(part, "the energy measured with the row's number of threads", "threads")


ENERGY = Figure(
    name="energy_mj",
    title="energy",
    head="Energy",
    unit="mJ",
    description=f"Mean energy of the inference of one image, above that of the idle device; {_UNKNOWN}.",
    source=_part("mean_mj"),
    direction="lower",
    is_timing=True,
    csv_position=97,
    terminal=TerminalColumn(head="energy\nmJ", is_optional=True),
    page=PageColumn(group="On the board", position=26, interval=("energy_mj_low", "energy_mj_high"), is_optional=True),
    goal=Goal(
        criterion="energy",
        field="energy_mj",
        title="energy",
        better="more economical",
        worse="less economical",
    ),
)

LOW = Figure(
    name="energy_mj_low",
    title="lower end of the energy's interval",
    head="Energy, low",
    unit="mJ",
    description=f"Lower end of the energy's 95 % interval, over blocks of inferences; {_UNKNOWN}.",
    source=_part("low_mj"),
    direction="lower",
    is_timing=True,
    csv_position=98,
)

HIGH = Figure(
    name="energy_mj_high",
    title="upper end of the energy's interval",
    head="Energy, high",
    unit="mJ",
    description=f"Upper end of the energy's 95 % interval, over blocks of inferences; {_UNKNOWN}.",
    source=_part("high_mj"),
    direction="lower",
    is_timing=True,
    csv_position=99,
)
