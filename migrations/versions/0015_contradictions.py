"""Answers that contradict each other"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('contradiction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('found_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('one_id', sa.Integer(), nullable=False),
    sa.Column('one_part', sa.String(), nullable=False),
    sa.Column('one_sentence', sa.String(), nullable=False),
    sa.Column('one_marks', sa.JSON(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('other_part', sa.String(), nullable=False),
    sa.Column('other_sentence', sa.String(), nullable=False),
    sa.Column('other_marks', sa.JSON(), nullable=False),
    sa.Column('dismissed_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('dismissed_by_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('resolved_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['dismissed_by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['one_id'], ['revision.id']),
    sa.ForeignKeyConstraint(['other_id'], ['revision.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('contradiction', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contradiction_digest'), ['digest'], unique=True)
        batch_op.create_index(batch_op.f('ix_contradiction_one_id'), ['one_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contradiction_other_id'), ['other_id'], unique=False)


def downgrade() -> None:
    op.drop_table('contradiction')
