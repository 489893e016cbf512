"""Runs the migrations on the connection that `kb.db.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

import kb.images
import kb.publishing  # noqa: F401  (each module adds its tables to the metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
