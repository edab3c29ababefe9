"""Alembic migrations, oldest first; run at every start."""
