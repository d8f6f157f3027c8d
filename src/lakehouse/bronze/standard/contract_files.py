"""How this adapter declares its feeds: a folder of files in the contract's columns each, and nothing is renamed."""

from collections.abc import Sequence

from lakehouse.bronze.contract_columns import contract_fields
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Feed, feed
from lakehouse.spec.sources import FileSource


def contract_feed(
    contract: Contract, description: str, *, folder: str, key: Sequence[str], may_lack: Sequence[str] = ()
) -> Feed:
    """The feed of files in the columns of `contract`, except `network`, which the configuration knows.

    Args:
        contract: names the columns, their meaning and their sensitivity.
        description: one line.
        folder: folder of the files below the network's root.
        key: columns that name a row.
        may_lack: required columns of the contract that the conform function can fill, so that files need not have them.
    """
    fields = contract_fields(contract, may_lack=may_lack)
    return feed("standard", contract.name, description, fields=fields, source=FileSource(folder=folder), key=tuple(key))
