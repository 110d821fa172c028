"""Predicts the latency of networks that do not exist yet, from files that a device has measured.

| module | contents |
|---|---|
| `samples` | measured files, and the work of networks |
| `history` | reads them from the database |
| `fitting` | the regression, its error and its interval |
| `model` | the fits of a device, by number of threads and export |
| `targets` | the fits that stages decide by whose target is a latency |
"""
