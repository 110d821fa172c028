"""A plan as a tree: what a job would do, pipeline by pipeline, and what of it has been done before."""

from rich.text import Text
from rich.tree import Tree

from edgepress_api.jobs.submission import PlanPreview
from edgepress_api.report.stage_words import stage_summary
from edgepress_api.report.words import duration
from edgepress_common.steps import StageStep, Step


def plan_tree(preview: PlanPreview) -> Tree:
    """The plan, each step at the first pipeline that needs it."""
    done = set(preview.done)
    steps = {step.key: step for step in preview.plan.steps}
    summary = f"{len(steps)} steps"
    if done:
        summary += f", {len(done)} of them done before"
    if preview.estimate is not None and preview.estimate.seconds is not None:
        summary += f"; what is left may take {duration(preview.estimate.seconds)}, one after another"
        if preview.estimate.unknown:
            summary += f", and {preview.estimate.unknown} of which nothing is known"
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
        line.append("  done before", style="green")
    return line
