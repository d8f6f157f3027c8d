"""Claims databases whose tables have the contracts' columns in PascalCase, read over ODBC."""
