"""Audits of all channels, whose receipts are no customers' questions"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('auditrun',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('started_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('finished_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('questions', sa.Integer(), nullable=False),
    sa.Column('answered', sa.Integer(), nullable=False),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.Column('mismatches', sa.Integer(), nullable=False),
    sa.Column('result', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    with op.batch_alter_table('auditrun', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_auditrun_started_at'), ['started_at'], unique=False)
    # Not in a batch: that would make the table anew, which what refers to it does not allow.
    op.add_column(
        'receipt', sa.Column('is_audit', sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.drop_column('is_audit')
    op.drop_table('auditrun')
