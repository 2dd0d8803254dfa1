"""Fixtures that every test may use."""

from tests.support.database import make_bench, scratch_database

__all__ = ["make_bench", "scratch_database"]
