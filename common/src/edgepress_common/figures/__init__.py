"""The figures of a report, each declared once.

A file in ``declared/``, or in the folder ``figures`` of an extension folder (see `edgepress_common.registry`), declares
a figure or a family such as the percentiles of the latency. Everything that shows or uses figures iterates over
`edgepress_common.figures.declared.FIGURES`: the row of a report, JSON, CSV, HTML, the terminal, MLflow, goals,
recommendations, comparisons and docs/figures.md.

To add a figure that is measured:

1. Declare it here, with ``source=Measured("evaluation")`` (or ``threads``, ``export`` or ``stage``).
2. Add a file of its name that measures it, to ``edgepress_evaluator.measure.figures`` (or ``thread_figures``,
   ``edgepress_worker.figures`` or ``edgepress_worker.methods.stage_figures``). The value travels in the result's
   ``figures``.

Results that were stored before a figure was declared do not have it: its value is None there.
"""
