"""Webhooks: deliveries to the URL of a job when the job has ended.

1. A job that ends makes its webhook due, in the same transaction (`edgepress_api.steps.following`).
2. The webhook sender (`sender`), a part of the scheduler, claims due deliveries, posts them (`posting`), and records
   the answers.
3. `egress_policy` restricts the addresses of deliveries and connects to the address that it checked; `signature` signs.
4. Notifications (`edgepress_api.notifications`) are deliveries of the same queue, with the same retries.

Delivery is at least once: a receiver recognizes a duplicate by its id.
"""
