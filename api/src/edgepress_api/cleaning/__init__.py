"""Gives back what nobody needs: jobs past their time, steps of no job, artifacts of no step.

In that order, each a walk of its own (`forgetting`, then `sweeping`), so that being killed anywhere in between leaves
nothing behind but work for the next walk: rows go before the bytes that they refer to, and what is to go is found by
looking at all there is, not remembered.
"""
