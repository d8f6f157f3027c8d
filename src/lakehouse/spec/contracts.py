"""The canonical feeds that every network conforms to.

A conform function returns a contract's columns **as text**; the engine casts them to the types declared here.
`network` is part of every key. Arrays travel as `a|b`. Amounts are US dollars. Key parts that do not exist are `-`,
never null.
"""

from dataclasses import dataclass

from lakehouse.errors import DeclarationError
from lakehouse.spec.field import (
    ACCOUNT,
    BIRTH_DATE,
    BOOLEAN,
    DATE,
    GEOGRAPHY,
    HEALTH,
    LONG,
    MEMBER,
    MONEY,
    QUANTITY,
    STRING,
    STRINGS,
    TIMESTAMP,
    TOKEN,
    Field,
    field,
)

NETWORK = field("network", STRING, "configured sender of the row", required=True)
MODIFIED_AT = field(
    "modified_at",
    TIMESTAMP,
    "when the sender last changed the row, UTC; without such a stamp, when this content first arrived",
)
SOURCE_SEQUENCE = field(
    "source_sequence", LONG, "sender's change number (rowversion or the like); null where there is none"
)
IS_DELETED = field("is_deleted", BOOLEAN, "tombstone: the sender deleted the row")
MEMBER_TOKEN = field(
    "member_token",
    STRING,
    "HMAC-SHA-256 of the member number under the lake's key; null for blank or placeholder",
    phi=TOKEN,
)
MEMBER_TOKEN_KEY_VERSION = field("member_token_key_version", STRING, "version of the key that made member_token")
CHANGE_FIELDS = (MODIFIED_AT, SOURCE_SEQUENCE, IS_DELETED)


@dataclass(frozen=True)
class Contract:
    """A canonical feed.

    Attributes:
        name: e.g. `claims`.
        keys: business key, `network` first.
        fields: business columns; the change columns (`modified_at`, `source_sequence`, `is_deleted`) come after them.
    """

    name: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        missing = [k for k in self.keys if k not in {f.name for f in self.fields}]
        if missing:
            raise DeclarationError(f"contract {self.name}: key {', '.join(missing)} is no field of it.")

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Business columns, then the change columns, in the order conform functions return them."""
        return (*self.fields, *CHANGE_FIELDS)

    def pick(self, *names: str) -> tuple[Field, ...]:
        """The named fields, in the order asked for, to be declared by a Silver table.

        Raises:
            DeclarationError: a name is no field of the contract.
        """
        by_name = {f.name: f for f in self.all_fields}
        unknown = [n for n in names if n not in by_name]
        if unknown:
            raise DeclarationError(
                f"contract {self.name} has no field {', '.join(unknown)}; it has {', '.join(by_name)}."
            )
        return tuple(by_name[n] for n in names)

    def silver_fields(self) -> tuple[Field, ...]:
        """All fields as Silver stores them: the member number replaced by its token."""
        stored: list[Field] = []
        for declared in self.all_fields:
            stored.extend((MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION) if declared.phi is MEMBER else (declared,))
        return tuple(stored)


def _key(name: str, meaning: str) -> Field:
    return field(name, STRING, meaning, required=True, phi=ACCOUNT)


def _money(name: str, meaning: str) -> Field:
    return field(name, MONEY, meaning, ledger=True)


CLAIMS = Contract(
    "claims",
    keys=("network", "claim_id"),
    fields=(
        NETWORK,
        _key("claim_id", "sender's identifier of this claim version; a reused id carries `#version`"),
        field("payer_control_number", STRING, "payer's claim number (837 REF*F8, 835 CLP07)", phi=ACCOUNT),
        field("patient_control_number", STRING, "provider's claim number (837 CLM01)", phi=ACCOUNT),
        field("replaces_claim_id", STRING, "claim version this one replaces or voids", phi=ACCOUNT),
        field(
            "frequency_code",
            STRING,
            "1 original, 2-4 interim, 5 late charge, 7 replacement, 8 void, 0 non-payment, Q reopening",
        ),
        field("claim_type", STRING, "professional, institutional, dental, pharmacy or undetermined"),
        field("member_id", STRING, "sender's member number", required=True, phi=MEMBER),
        field("payer_name", STRING, "primary payer as sent"),
        field("payer_id", STRING, "primary payer's id as sent; never joined across networks"),
        field("plan_name", STRING, "plan as sent"),
        field("line_of_business", STRING, "commercial, medicare, medicaid ... as sent"),
        field("secondary_payer_name", STRING, "secondary payer as sent"),
        field("billing_provider_id", STRING, "sender's id of the billing provider"),
        field("rendering_provider_id", STRING, "sender's id of the rendering provider"),
        field("facility_provider_id", STRING, "sender's id of the facility"),
        field("billing_npi", STRING, "NPI of the billing provider"),
        field("rendering_npi", STRING, "NPI of the rendering provider"),
        field("facility_npi", STRING, "NPI of the facility"),
        field("service_from_date", DATE, "first day of service", required=True),
        field("service_to_date", DATE, "last day of service"),
        field("admission_date", DATE, "inpatient admission"),
        field("discharge_date", DATE, "inpatient discharge"),
        field("submitted_date", DATE, "claim sent to the payer"),
        field("received_date", DATE, "claim received by the payer"),
        field("adjudicated_date", DATE, "payer's decision"),
        field("closed_date", DATE, "day the sender stopped working the claim"),
        field("is_closed", BOOLEAN, "the sender works the claim no longer"),
        field("appeal_date", DATE, "appeal filed"),
        field("appeal_outcome", STRING, "overturned, partial, upheld or withdrawn"),
        field("bill_type_code", STRING, "UB-04 type of bill; last character is the frequency"),
        field("drg_code", STRING, "MS-DRG, three digits"),
        field(
            "diagnosis_codes", STRINGS, "ICD-10-CM without dot (or the sender's system), principal first", phi=HEALTH
        ),
        field("claim_status", STRING, "sender's own word; decides nothing"),
        field("payment_arrangement", STRING, "fee_for_service (null means this) or capitated"),
        field("money_level", STRING, "header or line: where the sender's money lives"),
        _money("billed_amount", "charge at header level; null when the sender gives lines only"),
        _money("allowed_amount", "allowed at header level"),
        _money("paid_amount", "paid by the plan at header level; negative on a reversal"),
        _money("patient_responsibility_amount", "owed by the patient at header level"),
    ),
)

CLAIM_LINES = Contract(
    "claim_lines",
    keys=("network", "claim_id", "line_id"),
    fields=(
        NETWORK,
        _key("claim_id", "claim version the line belongs to"),
        _key("line_id", "line identifier as sent"),
        field("line_number", LONG, "position of the line on the claim, from 1"),
        field("service_from_date", DATE, "first day of the line's service"),
        field("service_to_date", DATE, "last day of the line's service"),
        field("procedure_code", STRING, "code of the service in procedure_code_system", phi=HEALTH),
        field("procedure_code_system", STRING, "cpt, hcpcs, icd10pcs, cdt, ndc, snomed, rxnorm, cvx or other"),
        field("modifiers", STRINGS, "two-character procedure modifiers, in order"),
        field("revenue_code", STRING, "UB-04 revenue code, four digits; 0001 is the total, not a service"),
        field("place_of_service_code", STRING, "CMS place of service, two digits"),
        field("units", QUANTITY, "service units", unit="count"),
        field("rendering_provider_id", STRING, "sender's id of the rendering provider of the line"),
        field("rendering_npi", STRING, "NPI of the rendering provider of the line"),
        _money("billed_amount", "charge of the line"),
        _money("allowed_amount", "allowed for the line"),
        _money("paid_amount", "paid by the plan for the line; negative on a reversal"),
        _money("patient_responsibility_amount", "owed by the patient for the line"),
        field("denial_code", STRING, "denial reason, where the claim feed itself says so"),
    ),
)

PAYMENTS = Contract(
    "payments",
    keys=("network", "payment_id"),
    fields=(
        NETWORK,
        _key("payment_id", "sender's identifier; file and ordinal where none is sent"),
        field("remittance_id", STRING, "one 835 claim payment (CLP), shared by its rows", required=True, phi=ACCOUNT),
        field("payment_level", STRING, "claim or line"),
        field("payment_kind", STRING, "payer, patient, writeoff or provider_level", required=True),
        field("payer_sequence", LONG, "1 primary, 2 secondary, 3 tertiary"),
        field("claim_id", STRING, "claim version paid; null only for provider_level", phi=ACCOUNT),
        field("line_id", STRING, "line paid, for payment_level line", phi=ACCOUNT),
        field("payer_name", STRING, "who paid, as sent"),
        field(
            "remit_status_code", STRING, "835 CLP02: 1-3 processed, 4 denied, 22 reversal, 23 and 25 no adjudication"
        ),
        field("remit_date", DATE, "posting date", required=True),
        field("trace_number", STRING, "check or EFT trace (835 TRN)", phi=ACCOUNT),
        field("reverses_remittance_id", STRING, "remittance this one reverses", phi=ACCOUNT),
        _money("billed_amount", "charge the remittance answers"),
        _money("allowed_amount", "allowed by the remittance"),
        _money("paid_amount", "paid by the payer; negative on a reversal"),
        _money("patient_responsibility_amount", "assigned to the patient by the payer"),
        _money("patient_paid_amount", "paid by the patient (kind patient); never part of paid_amount"),
    ),
)

ADJUSTMENTS = Contract(
    "adjustments",
    keys=("network", "payment_id", "adjustment_id"),
    fields=(
        NETWORK,
        _key("payment_id", "payment row the adjustment belongs to"),
        _key("adjustment_id", "identifier within the payment"),
        field("group_code", STRING, "835 CAS group: CO, PR, OA, PI, CR"),
        field("reason_code", STRING, "claim adjustment reason as sent"),
        field("remark_code", STRING, "remittance advice remark code"),
        _money("amount", "positive lowers the payment"),
        field("quantity", QUANTITY, "units adjusted", unit="count"),
    ),
)

PROVIDERS = Contract(
    "providers",
    keys=("network", "provider_id", "location_id"),
    fields=(
        NETWORK,
        field("provider_id", STRING, "sender's identifier of the provider", required=True),
        field("location_id", STRING, "practice location; MAIN where none is sent", required=True),
        field("npi", STRING, "National Provider Identifier; some senders have none"),
        field("entity_type", STRING, "individual or organization"),
        field("provider_name", STRING, "name as sent"),
        field("tin", STRING, "tax identification number"),
        field("taxonomy_code", STRING, "NUCC taxonomy"),
        field("specialty", STRING, "specialty as sent"),
        field("state", STRING, "two-letter state of practice"),
        field("zip_code", STRING, "ZIP of practice"),
        field("effective_date", DATE, "first day of the roster row, from the source"),
        field("termination_date", DATE, "last day of the roster row, from the source"),
        field("is_full_roster", BOOLEAN, "the delivery lists every provider: absence closes"),
    ),
)

ELIGIBILITY = Contract(
    "eligibility",
    keys=("network", "member_id", "payer_name", "plan_name", "coverage_type", "coverage_start_date"),
    fields=(
        NETWORK,
        field("member_id", STRING, "sender's member number", required=True, phi=MEMBER),
        field("payer_name", STRING, "payer as sent", required=True),
        field("plan_name", STRING, "plan as sent", required=True),
        field("coverage_type", STRING, "medical, pharmacy, dental ...", required=True),
        field("coverage_start_date", DATE, "first day of coverage", required=True),
        field("line_of_business", STRING, "commercial, medicare, medicaid ... as sent"),
        field("coverage_end_date", DATE, "last day of coverage; null while open"),
        field("birth_date", DATE, "member's date of birth", phi=BIRTH_DATE),
        field("sex", STRING, "as sent"),
        field("state", STRING, "two-letter state of residence"),
        field("zip_code", STRING, "ZIP of residence", phi=GEOGRAPHY),
        field("is_full_file", BOOLEAN, "the delivery lists every span: absence terminates"),
    ),
)

DENIAL_CODES = Contract(
    "denial_codes",
    keys=("network", "group_code", "denial_code"),
    fields=(
        NETWORK,
        field("group_code", STRING, "835 CAS group the code is classified under; `-` for any", required=True),
        field("denial_code", STRING, "sender's code", required=True),
        field("carc", STRING, "claim adjustment reason code it maps to"),
        field("description", STRING, "sender's wording"),
        field("category", STRING, "e.g. eligibility, authorization, coding"),
        field("is_denial", BOOLEAN, "counts as a denial"),
        field("is_preventable", BOOLEAN, "could have been avoided before submission"),
    ),
)

CONTRACTS = (CLAIMS, CLAIM_LINES, PAYMENTS, ADJUSTMENTS, PROVIDERS, ELIGIBILITY, DENIAL_CODES)
