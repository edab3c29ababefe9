"""Meetings to disk, and their minutes."""
