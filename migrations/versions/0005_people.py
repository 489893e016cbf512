"""People: invitations, lost passwords, keys with names and scopes, who signs in elsewhere"""

import sqlalchemy as sa
from alembic import op

import kb.db

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

MOMENT = kb.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seen_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('locale', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('subject', sa.String(), nullable=True))
        batch_op.create_index(batch_op.f('ix_person_subject'), ['subject'], unique=True)

    with op.batch_alter_table('apikey', schema=None) as batch_op:
        batch_op.add_column(sa.Column('name', sa.String(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('hint', sa.String(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('scopes', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('used_at', MOMENT, nullable=True))

    with op.batch_alter_table('staffsession', schema=None) as batch_op:
        batch_op.add_column(sa.Column('device', sa.String(), nullable=False, server_default=''))

    op.create_table('invitation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('locale', sa.String(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('sent_at', MOMENT, nullable=False),
    sa.Column('accepted_at', MOMENT, nullable=True),
    sa.Column('withdrawn_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invitation_email'), ['email'], unique=False)
        batch_op.create_index(batch_op.f('ix_invitation_digest'), ['digest'], unique=True)

    op.create_table('passwordreset',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=True),
    sa.Column('locale', sa.String(), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('expires_at', MOMENT, nullable=True),
    sa.Column('used_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('passwordreset', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_passwordreset_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_passwordreset_digest'), ['digest'], unique=True)
