"""Runs the migrations on the connection that `kb.db.migrate` hands over."""

import pkgutil
from importlib import import_module

from alembic import context
from sqlmodel import SQLModel

for package in ("kb", "assistant"):
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
