"""Corrections, whom they concern, and whom a copy of a conversation was sent to"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

MOMENT = kb.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table('correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('article_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('since', MOMENT, nullable=False),
    sa.Column('gathered_at', MOMENT, nullable=False),
    sa.Column('why', sa.JSON(), nullable=False),
    sa.Column('unreachable', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id']),
    sa.ForeignKeyConstraint(['by_id'], ['person.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('correction', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_correction_article_id'), ['article_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_correction_at'), ['at'], unique=False)

    op.create_table('wrongrevision',
    sa.Column('correction_id', sa.Integer(), nullable=False),
    sa.Column('revision_id', sa.Integer(), nullable=False),
    sa.Column('right_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['correction_id'], ['correction.id']),
    sa.ForeignKeyConstraint(['revision_id'], ['revision.id']),
    sa.ForeignKeyConstraint(['right_id'], ['revision.id']),
    sa.PrimaryKeyConstraint('correction_id', 'revision_id')
    )
    with op.batch_alter_table('wrongrevision', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_wrongrevision_revision_id'), ['revision_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_wrongrevision_right_id'), ['right_id'], unique=False)

    op.create_table('recalltarget',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('correction_id', sa.Integer(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('revision_id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.String(), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('notification_id', sa.Integer(), nullable=True),
    sa.Column('turn', sa.Integer(), nullable=True),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('queued_at', MOMENT, nullable=False),
    sa.Column('handed_at', MOMENT, nullable=True),
    sa.Column('told_at', MOMENT, nullable=True),
    sa.Column('seen_at', MOMENT, nullable=True),
    sa.Column('closed', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['correction_id'], ['correction.id']),
    sa.ForeignKeyConstraint(['revision_id'], ['revision.id']),
    sa.ForeignKeyConstraint(['person_id'], ['person.id']),
    sa.ForeignKeyConstraint(['notification_id'], ['notification.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('correction_id', 'channel', 'recipient'),
    sa.UniqueConstraint('token')
    )
    with op.batch_alter_table('recalltarget', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recalltarget_conversation_id'), ['conversation_id'], unique=False)
        batch_op.create_index('ix_recalltarget_untold', ['told_at', 'closed'], unique=False)

    op.create_table('transcriptcopy',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('turns', sa.Integer(), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id']),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('transcriptcopy', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_transcriptcopy_conversation_id'), ['conversation_id'], unique=False)


def downgrade() -> None:
    for table in ('transcriptcopy', 'recalltarget', 'wrongrevision', 'correction'):
        op.drop_table(table)
