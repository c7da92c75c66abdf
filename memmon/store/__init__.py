"""The history's keeper: the only user of SQLAlchemy and Alembic."""
