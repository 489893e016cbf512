"""Tags, and what people are writing"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('revision', sa.Column('tags', kb.db.Lines(), nullable=False, server_default=''))
    op.create_index('ix_revision_facets', 'revision', ['category', 'audience', 'owner', 'tags'])
    op.create_table('workingcopy',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=True),
    sa.Column('locale', sa.String(), nullable=False),
    sa.Column('based_on', sa.Integer(), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('has_changes', sa.Boolean(), nullable=False),
    sa.Column('seen_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('saved_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('workingcopy', schema=None) as batch_op:
        batch_op.create_index('ix_workingcopy_place', ['article_id', 'locale'], unique=False)
        batch_op.create_index(batch_op.f('ix_workingcopy_person_id'), ['person_id'], unique=False)


def downgrade() -> None:
    op.drop_table('workingcopy')
    op.drop_index('ix_revision_facets', 'revision')
    op.drop_column('revision', 'tags')
