"""Garbage collection: jobs past their retention time, unreferenced steps, unreferenced artifacts.

The collector deletes in that order (`unreferenced_steps`, then `unreferenced_artifacts`). It keeps no state: each
collection reads the whole database and store. Rows are deleted before the bytes that they refer to, so a collection
that is killed only leaves work for the next one.
"""
