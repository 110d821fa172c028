"""Web application of the gateway: routes that translate between HTTP and the functions of the other packages.

``app`` creates it; ``routes`` has a file per resource; ``problems`` converts every error to problem+json.
"""
