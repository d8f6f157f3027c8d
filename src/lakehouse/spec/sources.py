"""Where Bronze rows come from, as plain values: nothing here opens a file or a connection."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileSource:
    """Files of one feed below a network's root folder.

    A file belongs to the feed when it lies in `folder` (or any folder below it) and its stem (the name without
    `.csv`, `.csv.gz`, `.psv`, `.txt`, `.parquet`, `.jsonl` ...) is `stem`, or is `stem` followed by `-`, `_` or `.`
    and a digit or a version (`claims_2`, `claims-2026-01-03`, `claims_v1_2026-01-03`). A stem of `*` takes every file
    of a known format. A zip archive in the folder is looked into: each file in it is one delivery, by the same rule,
    and one that is alone in its archive may have its name from the archive instead.

    Attributes:
        folder: folder below the network's root, in `/` form; empty for the root itself.
        stem: name of the files without their endings; `*` for any.
        delimiter: of delimited text; None takes `,` for `.csv` and `|` for `.psv` and `.txt`.
    """

    folder: str = ""
    stem: str = "*"
    delimiter: str | None = None


@dataclass(frozen=True)
class SqlSource:
    """Rows of one table of a claims database.

    Columns are found by the feed's raw columns: names and aliases are compared without case and underscores, so that
    `claim_id` is `ClaimID`.

    Attributes:
        table: its name in the network's schema.
        stamp: raw column in which the sender says when a row was changed.
        sequence: raw column with the server's own number of the change, where the table has one.
    """

    table: str
    stamp: str = "modified_at"
    sequence: str = "source_sequence"


@dataclass(frozen=True)
class ResourceSource:
    """A small CSV file that ships inside this package, beside the table that publishes it (a code set, a mapping).

    Attributes:
        package: dotted package that holds the file, e.g. `lakehouse.reference`.
        file: its name.
    """

    package: str
    file: str
