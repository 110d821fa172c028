"""The routes, a file per resource. Each translates a request, calls one function, and translates what it gives."""
