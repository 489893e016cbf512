"""What a publication would change"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('impactrun',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('revision_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('moved_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('finished_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('live_epoch', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('error', sa.String(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('differences', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['revision_id'], ['revision.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('impactrun', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_impactrun_revision_id'), ['revision_id'], unique=False)


def downgrade() -> None:
    op.drop_table('impactrun')
