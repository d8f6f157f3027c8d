"""What every table of the settings is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the settings: frozen, without unknown keys, its values never printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
