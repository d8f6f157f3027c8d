"""Delta tables as DuckDB reads them: a reader that shares no code with Spark and needs no network."""

from importlib.resources import as_file, files

import duckdb


def delta_reader() -> duckdb.DuckDBPyConnection:
    """A connection in which `delta_scan('<folder>')` reads a table, deletion vectors included."""
    connection = duckdb.connect()
    version = connection.sql("SELECT version()").fetchall()[0][0]
    packaged = files("duckdb_extension_delta") / "extensions" / version / "delta.duckdb_extension"
    with as_file(packaged) as extension:
        connection.load_extension(str(extension))
    return connection
