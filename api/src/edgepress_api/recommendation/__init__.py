"""Which file to ship: the files of a job, ranked by goals, and the reasons.

``candidates`` turns a report's rows into candidates, ``scoring`` puts their figures on scales, ``judgements`` finds the
weights, ``ranking`` orders by three methods, ``front`` finds the Pareto fronts, ``stability`` the sensitivity to the
weights; ``recommending`` puts that together, with ``wording`` and ``cautions`` for the sentences.

The criteria are the figures that are declared as such, see `edgepress_common.figures`. The arithmetic is our own, a
page in all, and verified against published examples; see docs/decisions.
"""
