"""How rarely the class that is predicted least is predicted."""

from edgepress_common.figures.figure import Figure, Goal, Measured, PageColumn, TerminalColumn

LEAST_PREDICTED = Figure(
    name="least_predicted",
    title="share of the least predicted class",
    head="Least class",
    unit="share",
    description="Share of the validation images that are classified as the class that is predicted least.",
    source=Measured("evaluation"),
    direction="higher",
    digits=1,
    terminal=TerminalColumn(note="Least class: share of the class that is predicted least."),
    page=PageColumn(group="Classes"),
    goal=Goal(
        criterion="balance",
        field="least_predicted",
        title="least predicted class",
        most=1,
        better="more balanced",
        worse="less balanced",
        purpose="most_balanced",
        purpose_title="Most balanced",
    ),
)
