"""Member tokens: HMAC-SHA-256 of a member number, made while reading, so that the number never reaches Silver.

Spark has no HMAC, so it is composed of `sha2`, `concat` and `unhex` (RFC 2104). The two padded keys come from a
one-row frame, so that no plan, log or UI shows them.
"""

import hashlib
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.settings import Settings
from lakehouse.spec.columns import blank_to_null
from lakehouse.storage.frames import frame_of, schema_by_name
from lakehouse.storage.secrets import resolve

_BLOCK = 64
PLACEHOLDERS = ("0", "00", "000", "9", "99", "999", "9999", "UNKNOWN", "UNK", "NONE", "NULL", "NA", "N/A", "TEST", "-")
"""Texts that stand for "no number" in claims feeds: as tokens they would merge strangers into one member."""


@dataclass(frozen=True, repr=False)
class TokenKey:
    """The key and its version; never printed."""

    key: str
    version: str

    def frame(self, session: SparkSession) -> DataFrame:
        """One row with the inner and outer padded key."""
        key = self.key.encode()
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
        return frame_of(session, [(inner, outer)], schema_by_name(_inner=T.BinaryType(), _outer=T.BinaryType()))


def token_key(settings: Settings) -> TokenKey:
    """The key that the settings name, looked up now."""
    privacy = settings.privacy
    key = resolve(privacy.member_token_key, local_folder=settings.secrets_folder)
    return TokenKey(key, privacy.member_token_key_version)


def normalised_member_id() -> Column:
    """Column `member_id` without blanks and dashes, upper case; null when blank or a placeholder."""
    bare = F.upper(F.regexp_replace(blank_to_null(F.col("member_id")), r"[\s-]", ""))
    return F.when((bare != "") & ~bare.isin(*PLACEHOLDERS), bare)


def with_member_token(rows: DataFrame, key: TokenKey) -> DataFrame:
    """`rows` with `member_token` and `member_token_key_version` in place of `member_id`; a null number gives null.

    The message is `member:<network>:<number>`: two networks may use one number for two people.
    """
    message = F.concat(F.lit("member:"), F.col("network"), F.lit(":"), normalised_member_id())
    inside = F.unhex(F.sha2(F.concat(F.col("_inner"), F.encode(message, "UTF-8")), 256))
    token = F.sha2(F.concat(F.col("_outer"), inside), 256)
    keyed = rows.crossJoin(F.broadcast(key.frame(rows.sparkSession)))
    kept: list[Column] = []
    for name in rows.columns:
        if name == "member_id":
            kept.append(token.alias("member_token"))
            kept.append(F.when(token.isNotNull(), F.lit(key.version)).alias("member_token_key_version"))
        else:
            kept.append(F.col(name))
    return keyed.select(*kept)
