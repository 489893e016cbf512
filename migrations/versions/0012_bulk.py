"""Many articles at once"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

MOMENT = kb.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table('bulkjob',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('finished_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('bulkjob', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bulkjob_finished_at'), ['finished_at'], unique=False)

    op.create_table('bulkitem',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(), nullable=False),
    sa.Column('locale', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['bulkjob.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('bulkitem', schema=None) as batch_op:
        batch_op.create_index('ix_bulkitem_job', ['job_id', 'outcome'], unique=False)
