"""Reads a claims database over ODBC: closed windows of one table's changes, every value as text rendered by its server.

One `Database` a network, one `SourceTable` a table. What a value looks like in Bronze is decided by the server's own
exact conversions, never by a driver's guess:

| SQL type | text |
|---|---|
| char, varchar, text, nchar, nvarchar, json, xml | as stored: blanks kept, `''` is not null |
| integers | digits |
| decimal, numeric, money | exact, with the column's scale (`1.50` of `numeric(9, 2)`) |
| float, real | shortest text that reads back as the same number |
| bit, boolean | `true`, `false` |
| date, time | `2026-01-05`, `10:00:00.1234567` |
| timestamp, datetime, datetime2 | `2026-01-05T10:00:00.1234567`, all its digits (PostgreSQL: no zeros at the end) |
| timestamptz, datetimeoffset | the same with an offset, `+00:00` from PostgreSQL |
| uuid, uniqueidentifier | lower case with dashes |
| rowversion, xid8 | digits |
| other binary | lower-case hexadecimal |

Infinities, `NaN` and years before Christ come as the server writes them. Text that is not Unicode is set aside.
"""
