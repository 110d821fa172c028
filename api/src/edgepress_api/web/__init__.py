"""The gateway's web side: routes that translate between HTTP and the functions of the other packages, and no more.

``app`` puts it together; ``routes`` has a file per resource; ``problems`` turns every error into problem+json.
"""
