"""Receipts are sealed in a signed chain"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('signingkey',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('public', sa.String(), nullable=False),
    sa.Column('created_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('retired_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('seal',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('receipt_id', sa.String(), nullable=False),
    sa.Column('statement', sa.String(), nullable=False),
    sa.Column('salt', sa.String(), nullable=False),
    sa.Column('chain', sa.String(), nullable=False),
    sa.Column('key_id', sa.String(), nullable=False),
    sa.Column('signature', sa.String(), nullable=False),
    sa.Column('sealed_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['signingkey.id'], ),
    sa.PrimaryKeyConstraint('seq')
    )
    with op.batch_alter_table('seal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seal_receipt_id'), ['receipt_id'], unique=True)


def downgrade() -> None:
    op.drop_table('seal')
    op.drop_table('signingkey')
