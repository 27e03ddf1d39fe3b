"""A request keeps what was found in its document.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("requests", "findings")
