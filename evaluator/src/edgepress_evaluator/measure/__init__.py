"""The individual measurements of an evaluation. Independent of leases and HTTP."""
