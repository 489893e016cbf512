"""What people of the studio are told, and how they like to be told"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

MOMENT = kb.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('mail', sa.String(), nullable=False, server_default='waiting'))

    op.create_table('newsmark',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    # What happened before there were notifications is no news.
    op.execute('INSERT INTO newsmark (id, event_id) SELECT 1, COALESCE(MAX(id), 0) FROM event')

    op.create_table('notification',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=True),
    sa.Column('locale', sa.String(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('read_at', MOMENT, nullable=True),
    sa.Column('mailed_at', MOMENT, nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notification_key'), ['key'], unique=True)
        batch_op.create_index('ix_notification_unread', ['person_id', 'read_at'], unique=False)
        batch_op.create_index('ix_notification_place', ['article_id', 'locale', 'version'], unique=False)
