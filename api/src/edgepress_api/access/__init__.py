"""Who may do what: tokens, whom they stand for, and what each may see.

1. A token is made on the server (`tokens`), shown once, and kept as a digest (`credentials`).
2. Whoever shows it is a `Principal`: a user, or a device, with scopes.
3. Scopes say what may be done; `visibility` says with which jobs, steps, artifacts and data sets.

The web side asks (`edgepress_api.web.authentication`, `edgepress_api.web.authorization`); nothing here knows of HTTP.
"""
