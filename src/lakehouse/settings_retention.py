"""Settings of retention: how long each layer keeps its past."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from lakehouse.errors import SettingsError
from lakehouse.settings_section import Section


class RetentionSettings(Section):
    """How long one layer keeps its past, in days.

    Attributes:
        log_retention_days: commits stay in the Delta log this long.
        deleted_file_retention_days: replaced files stay this long, and time travel reaches back this far; at
            most the log's.
    """

    log_retention_days: Annotated[int, Field(ge=1)]
    deleted_file_retention_days: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _log_outlasts_files(self) -> Self:
        if self.log_retention_days < self.deleted_file_retention_days:
            raise ValueError(
                "Delta demands log_retention_days >= deleted_file_retention_days; raise one or lower the other"
            )
        return self


_FOR_YEARS = RetentionSettings(log_retention_days=3650, deleted_file_retention_days=3650)
_FOR_WEEKS = RetentionSettings(log_retention_days=400, deleted_file_retention_days=35)


class LayerRetentionSettings(Section):
    """Retention of each layer.

    Append-only layers replace next to no files, so a long past costs them little. Silver and Gold replace many, can be
    rebuilt from Bronze, and keep weeks.
    """

    bronze: RetentionSettings = _FOR_YEARS
    reference: RetentionSettings = _FOR_YEARS
    silver: RetentionSettings = _FOR_WEEKS
    gold: RetentionSettings = _FOR_WEEKS
    ops: RetentionSettings = _FOR_YEARS

    @field_validator("*", mode="before")
    @classmethod
    def _keep_the_other_default(cls, given: object, info: ValidationInfo) -> object:
        default: RetentionSettings = cls.model_fields[str(info.field_name)].default
        return default.model_dump() | dict(given) if isinstance(given, Mapping) else given

    def for_layer(self, layer: str) -> RetentionSettings:
        """Retention of `layer`; raises SettingsError for a layer that does not exist."""
        if layer not in type(self).model_fields:
            raise SettingsError(f"no retention for layer {layer}; layers: {', '.join(type(self).model_fields)}")
        found: RetentionSettings = getattr(self, layer)
        return found
