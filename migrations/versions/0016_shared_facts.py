"""Shared facts, where they are used, and how they change"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sharedfact',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('about', sa.String(), nullable=False),
    sa.Column('created_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('retired_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['person.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('sharedfact', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sharedfact_name'), ['name'], unique=True)
    op.create_table('factversion',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('fact_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('values', sa.JSON(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=True),
    sa.Column('at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['approved_by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['fact_id'], ['sharedfact.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('fact_id', 'version')
    )
    op.create_table('factuse',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('revision_id', sa.Integer(), nullable=False),
    sa.Column('fact_id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(), nullable=False),
    sa.Column('start', sa.Integer(), nullable=False),
    sa.Column('end', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['fact_id'], ['sharedfact.id']),
    sa.ForeignKeyConstraint(['revision_id'], ['revision.id']),
    sa.ForeignKeyConstraint(['version_id'], ['factversion.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('factuse', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_factuse_fact_id'), ['fact_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_factuse_revision_id'), ['revision_id'], unique=False)
    op.create_table('factchange',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('fact_id', sa.Integer(), nullable=False),
    sa.Column('based_on', sa.Integer(), nullable=False),
    sa.Column('values', sa.JSON(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['closed_by_id'], ['person.id']),
    sa.ForeignKeyConstraint(['fact_id'], ['sharedfact.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('factchange', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_factchange_fact_id'), ['fact_id'], unique=False)


def downgrade() -> None:
    op.drop_table('factchange')
    op.drop_table('factuse')
    op.drop_table('factversion')
    op.drop_table('sharedfact')
