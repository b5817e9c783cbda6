"""What every table shares: naming of constraints, column types, state checks."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

# Of every connection: a path that is lost without a word is given up within seconds, not in the kernel's quarter of an hour. TCP alone heeds it.
ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}


class Base(DeclarativeBase):
    # Values that the database makes come back with the statement: rows outlive their session.
    __mapper_args__ = {"eager_defaults": True}

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


Id = Annotated[str, mapped_column(primary_key=True)]
ProjectId = Annotated[str, mapped_column(ForeignKey("projects.id"))]
Created = Annotated[datetime, mapped_column(server_default=func.now())]


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """A named CHECK for a text column of states (autogenerate is blind to its members: a test compares them)."""
    listed = ", ".join(f"'{v.value}'" for v in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
