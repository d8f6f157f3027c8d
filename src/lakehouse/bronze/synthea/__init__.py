"""The CSV export of Synthea, in its older and newer column names. It has no denials, reversals or header amounts."""
