"""The scheduler: consumes events of workers, ends expired leases, and sends ready steps."""
