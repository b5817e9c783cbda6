"""Endpoints, their answers, and money: charges of calls, what is set aside for them, caps in dollars."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ONCE = ["step", "fence", "kind", "endpoint", "price_version", "day"]
COUNTED = ("price_version", "calls", "input_tokens", "output_tokens", "cached_tokens")


def upgrade() -> None:
    _tables()
    op.add_column("projects", sa.Column("usd_per_month", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("usd", sa.Double(), nullable=True))
    rates = sa.Column("rates", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
    op.add_column("jobs", rates)
    op.add_column("charges", sa.Column("day", sa.Text(), nullable=True))
    op.execute("UPDATE charges SET day = to_char(timezone('UTC', created_at), 'YYYY-MM-DD')")
    op.alter_column("charges", "day", nullable=False)
    op.add_column("charges", sa.Column("endpoint", sa.Text(), server_default="", nullable=False))
    for name in COUNTED:
        op.add_column("charges", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index(op.f("ix_charges_step_fence"), table_name="charges")
    op.create_index(op.f("ix_charges_step_fence_kind_endpoint_price_version_day"), "charges", ONCE, unique=True)


def _tables() -> None:
    project = sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_endpoints_project_projects"))
    op.create_table(
        "endpoints",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("wire", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        project,
        sa.PrimaryKeyConstraint("project", "id", name=op.f("pk_endpoints")),
    )
    op.create_index(op.f("ix_endpoints_sealed_by"), "endpoints", ["sealed_by"], unique=False)
    op.create_table(
        "answers",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("reply", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_answers_project_projects")),
        sa.PrimaryKeyConstraint("project", "digest", "sample", name=op.f("pk_answers")),
    )
    op.create_table(
        "reservations",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_reservations_project_projects")),
        sa.PrimaryKeyConstraint("step", "fence", name=op.f("pk_reservations")),
    )
    op.create_index(op.f("ix_reservations_job"), "reservations", ["job"], unique=False)
    op.create_index(op.f("ix_reservations_project"), "reservations", ["project"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_charges_step_fence_kind_endpoint_price_version_day"), table_name="charges")
    op.execute("DELETE FROM charges WHERE kind IN ('calls', 'probes')")
    op.create_index(op.f("ix_charges_step_fence"), "charges", ["step", "fence"], unique=True)
    for name in ("day", "endpoint", *COUNTED):
        op.drop_column("charges", name)
    op.drop_column("jobs", "rates")
    op.drop_column("jobs", "usd")
    op.drop_column("projects", "usd_per_month")
    for table in ("reservations", "answers", "endpoints"):
        op.drop_table(table)
