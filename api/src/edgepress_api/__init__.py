"""The gateway: REST, dashboard, command line, and the scheduler. The only package with a database."""
