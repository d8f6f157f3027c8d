"""Settings of alerts: who is told when a run fails or a table is stale."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lakehouse.settings_networks import secret_reference
from lakehouse.settings_section import Section


class AlertTarget(Section):
    """One place that incidents are told to.

    Attributes:
        kind: `slack`, `teams` and `webhook` post JSON to a URL; `sns` publishes to a topic.
        url: secret reference of the URL, since whoever knows it may post; of webhooks only.
        topic_arn: of SNS only.
    """

    kind: Literal["slack", "teams", "webhook", "sns"]
    url: str | None = None
    topic_arn: str | None = None

    @field_validator("url")
    @classmethod
    def _is_a_reference(cls, reference: str | None) -> str | None:
        return None if reference is None else secret_reference(reference)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        wanted, other = (self.topic_arn, self.url) if self.kind == "sns" else (self.url, self.topic_arn)
        if wanted is None or other is not None:
            needs = "topic_arn alone" if self.kind == "sns" else "url alone, as secretsmanager:<id> or env:<NAME>"
            raise ValueError(f"a target of kind {self.kind} needs {needs}")
        return self


class AlertSettings(Section):
    """Who is told of incidents.

    Attributes:
        targets: name of a target to its settings; none tells nobody.
        timeout_seconds: a target that does not answer for so long is left for the next time.
    """

    targets: dict[str, AlertTarget] = Field(default={})
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
