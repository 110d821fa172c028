"""How each figure of an evaluation is found. Nothing here knows of leases or HTTP."""
