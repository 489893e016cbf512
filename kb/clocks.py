"""Arithmetic with moments, written once for SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import Date, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DaysBetween(FunctionElement[float]):
    """How many days lie between an earlier moment and a later one."""

    type = Float()
    inherit_cache = True


class DayOf(FunctionElement[Any]):
    """The day of a moment in UTC."""

    type = Date()
    inherit_cache = True


@compiles(DaysBetween, "sqlite")
def _sqlite_days(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(julianday({later}) - julianday({earlier}))"


@compiles(DaysBetween, "postgresql")
def _postgresql_days(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    earlier, later = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(EXTRACT(EPOCH FROM {later} - {earlier}) / 86400.0)"


@compiles(DayOf, "sqlite")
def _sqlite_day(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)})"


@compiles(DayOf, "postgresql")
def _postgresql_day(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    # PostgreSQL would else take the day of its own zone.
    return f"CAST({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC' AS date)"
