"""The energy of an inference above idle, and its 95 % interval."""

from edgepress_common.figures.figure import Derived, Figure, Goal, PageColumn, TerminalColumn

_OF = "the energy measured with the row's number of threads"
_UNKNOWN = "unknown without evaluation.energy, and where the device has no sensor"

ENERGY = Figure(
    name="energy_mj",
    title="energy",
    head="Energy",
    unit="mJ",
    description=f"Mean energy of the inference of one image, above that of the idle device; {_UNKNOWN}.",
    source=Derived(lambda of: of.measurement.energy and of.measurement.energy.mean_mj, _OF, "threads"),
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
    source=Derived(lambda of: of.measurement.energy and of.measurement.energy.low_mj, _OF, "threads"),
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
    source=Derived(lambda of: of.measurement.energy and of.measurement.energy.high_mj, _OF, "threads"),
    direction="lower",
    is_timing=True,
    csv_position=99,
)
