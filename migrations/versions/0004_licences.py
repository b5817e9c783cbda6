"""Licences of endpoints and models, and the number of the last lot that a fence has set aside."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LICENSED = ("endpoints", "models")
COUNTED = ("lot", "granted")


def upgrade() -> None:
    for table in LICENSED:
        op.add_column(table, sa.Column("licence", sa.Text(), nullable=True))
    for name in COUNTED:
        op.add_column("reservations", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in COUNTED:
        op.drop_column("reservations", name)
    for table in LICENSED:
        op.drop_column(table, "licence")
