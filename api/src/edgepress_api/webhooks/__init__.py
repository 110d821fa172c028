"""Tells whoever asked for it that a job has ended.

1. A job that ends makes its webhook due, in the same transaction (`edgepress_api.jobs.following`).
2. The scheduler's courier (`courier`) claims what is due, posts it (`posting`), and notes the answer.
3. Where a word may go, and that it goes where was looked, is `reach`'s business; who says it, `signature`'s.

A word is said at least once: whoever gets it twice knows it by its id.
"""
