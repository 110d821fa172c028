"""Access control: tokens, the principals that they authenticate, and what each principal can see.

1. A token is created on the server (`tokens`), shown once, and stored as a digest (`credentials`).
2. It authenticates a `Principal`: a user or a device, with scopes.
3. Scopes define the permitted actions; `visibility` defines on which jobs, steps, artifacts and data sets.

`edgepress_api.web.authentication` and `edgepress_api.web.authorization` use this package, which is independent
of HTTP.
"""
