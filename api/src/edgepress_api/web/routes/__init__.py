"""The routes, a file per resource. Each parses a request, calls one function, and returns its result as a response."""
