"""A plan as a tree: the pipelines and steps of a job, and which steps are already done."""

from rich.text import Text
from rich.tree import Tree

from edgepress_client.cli.formats import duration
from edgepress_common.answers.jobs import PlanPreview
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import StageStep, Step


def plan_tree(preview: PlanPreview) -> Tree:
    """Return the plan as a tree, each step under the first pipeline that needs it."""
    done = set(preview.done)
    steps = {step.key: step for step in preview.plan.steps}
    summary = f"{len(steps)} steps" + ("" if preview.plan.complete else " to begin with, more as results arrive")
    if done:
        summary += f", {len(done)} of them already done"
    if preview.estimate is not None and preview.estimate.seconds is not None:
        summary += f"; estimated time of the others, one after another: {duration(preview.estimate.seconds)}"
        if preview.estimate.unknown:
            summary += f" and {preview.estimate.unknown} without an estimate"
    if preview.search is not None:
        summary += f"\n{preview.search.words}"
        if preview.search.seconds is not None:
            summary += f" The search takes about {duration(preview.search.seconds)} of work."
    tree = Tree(summary)
    shown: set[str] = set()
    for pipeline in preview.plan.pipelines:
        branch = tree.add(Text(pipeline.name, style="bold"))
        shared = [steps[key].title for key in pipeline.steps if key in shown]
        if shared:
            branch.add(Text(f"shared with those above: {', '.join(shared)}", style="dim"))
        for key in pipeline.steps:
            if key not in shown:
                branch.add(_line(steps[key], is_done=key in done))
        shown.update(pipeline.steps)
    return tree


def _line(step: Step, *, is_done: bool) -> Text:
    line = Text(stage_summary(step.parameters) if isinstance(step.parameters, StageStep) else step.title)
    if step.title != step.kind:
        line.append(f"  {step.kind}", style="dim")
    if is_done:
        line.append("  already done", style="green")
    return line
