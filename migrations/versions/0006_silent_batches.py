"""When an endpoint began to tell nothing of a batch; and no list of questions where all is settled."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE batches SET lines = '[]' WHERE state IN ('done', 'void')")


def downgrade() -> None:
    op.drop_column("batches", "silent_since")
