"""What becomes of feedback and flags, what was changed because of them, and notices"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('summaries', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_change_at'), ['at'], unique=False)

    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('severity', sa.String(), nullable=False),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('texts', sa.JSON(), nullable=False),
    sa.Column('categories', sa.JSON(), nullable=False),
    sa.Column('articles', sa.JSON(), nullable=False),
    sa.Column('starts_at', kb.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', kb.db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['ended_by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_ends_at'), ['ends_at'], unique=False)

    # Everything that was said before is open.
    for table in ('feedback', 'flag'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            if table == 'feedback':
                batch_op.add_column(sa.Column('state', sa.String(), nullable=False, server_default='open'))
            batch_op.add_column(sa.Column('assigned_to_id', sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column('decision', sa.String(), nullable=False, server_default=''))
            batch_op.add_column(sa.Column('decided_at', kb.db.UtcDateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column('decided_by_id', sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column('change_id', sa.Integer(), nullable=True))
            batch_op.create_index(batch_op.f(f'ix_{table}_state'), ['state'], unique=False)
            batch_op.create_foreign_key(f'{table}_assigned_to_id_fkey', 'person', ['assigned_to_id'], ['id'])
            batch_op.create_foreign_key(f'{table}_decided_by_id_fkey', 'person', ['decided_by_id'], ['id'])
            batch_op.create_foreign_key(f'{table}_change_id_fkey', 'change', ['change_id'], ['id'])
