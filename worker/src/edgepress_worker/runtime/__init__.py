"""Runs steps: takes them from the queue, keeps their leases, and reports."""
