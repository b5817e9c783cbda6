"""How Alembic reaches the database: by the same setting as every other process, and never waiting long for a lock."""

import pkgutil
from importlib import import_module

from alembic import context
from sqlalchemy import NullPool, create_engine

import models
from models.base import Base
from settings import settings

GUARDS = "-c lock_timeout=5s -c statement_timeout=300s -c idle_in_transaction_session_timeout=60s"

for module in pkgutil.iter_modules(models.__path__):
    import_module(f"models.{module.name}")


def migrate() -> None:
    """All revisions in one transaction: a failed one leaves nothing behind."""
    arguments = {"options": GUARDS, "application_name": "stillhouse-migrate"}
    engine = create_engine(settings().database_url, poolclass=NullPool, connect_args=arguments)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
        with context.begin_transaction():
            # Two stacks that start at once migrate one after the other.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))")
            context.run_migrations()


migrate()
