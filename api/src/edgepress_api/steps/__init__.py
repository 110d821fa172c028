"""The life of a step: its states, and the leases that move it from one to the next."""
