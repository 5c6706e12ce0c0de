"""One module per `assay` command; each offers ``register(app)``."""
