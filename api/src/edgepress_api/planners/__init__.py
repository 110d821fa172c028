"""Planners give jobs their pipelines.

A planner is asked when a job is submitted, and again whenever one of the job's pipelines has ended. A fixed list of
pipelines is the planner that proposes once. `edgepress_api.jobs.growing` asks; `edgepress_api.jobs.storing` stores.

To add a planner: write a class with the members of `Planner` and add an instance to `BUILT_IN` in `registry`, before
`FixedList`. Planners of another distribution are named by the setting ``EDGEPRESS_PLANNERS``.
"""
