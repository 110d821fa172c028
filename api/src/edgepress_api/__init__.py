"""The gateway: REST, dashboard, command line, and the scheduler. The only room with a database."""
