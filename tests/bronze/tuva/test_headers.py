"""Early and current headers of the Tuva input layer all find their column; identifiers have their class."""

import pytest

from lakehouse.spec.field import ACCOUNT, BIRTH_DATE, DIRECT, GEOGRAPHY, HEALTH, MEMBER
from lakehouse.spec.registry import discover_adapters

NUMBERS = range(1, 26)
CODES = ",".join(
    [
        "diagnosis_code_type",
        *[f"diagnosis_{kind}_{n}" for kind in ("code", "poa") for n in NUMBERS],
        "procedure_code_type",
        *[f"procedure_{kind}_{n}" for kind in ("code", "date") for n in NUMBERS],
    ]
)
DATES = (
    "claim_start_date,claim_end_date,claim_line_start_date,claim_line_end_date,admission_date,discharge_date,"
    "admit_source_code,admit_type_code,discharge_disposition_code,place_of_service_code,bill_type_code"
)
SERVICE = "service_unit_quantity,hcpcs_code," + ",".join(f"hcpcs_modifier_{n}" for n in range(1, 6))
MONEY = "paid_date,paid_amount,allowed_amount,charge_amount"
SHARES = "coinsurance_amount,copayment_amount,deductible_amount,total_cost_amount"
PROVENANCE = "data_source,file_name,file_date,ingest_datetime"
SPAN = "enrollment_start_date,enrollment_end_date,payer,payer_type"
HEADERS = (
    (
        "medical_claim",
        f"claim_id,claim_line_number,claim_type,patient_id,member_id,{DATES},ms_drg_code,revenue_center_code,{SERVICE},"
        f"rendering_npi,billing_npi,facility_npi,{MONEY},{CODES},data_source",
    ),
    (
        "medical_claim",
        f"claim_id,claim_line_number,claim_type,person_id,member_id,payer,plan,{DATES},drg_code_type,drg_code,"
        f"revenue_center_code,{SERVICE},rendering_npi,rendering_tin,billing_npi,billing_tin,facility_npi,{MONEY},"
        f"{SHARES},{CODES},in_network_flag,{PROVENANCE}",
    ),
    (
        "medical_claim",
        f"claim_id,claim_line_number,claim_type,person_id,member_id,payer,plan,{DATES},drg_code_type,drg_code,"
        f"revenue_center_code,{SERVICE},rendering_id,rendering_tin,billing_id,billing_tin,facility_id,{MONEY},"
        f"{SHARES},{CODES},in_network_flag,{PROVENANCE}",
    ),
    (
        "eligibility",
        f"patient_id,member_id,gender,race,birth_date,death_date,death_flag,{SPAN},dual_status_code,"
        "medicare_status_code,first_name,last_name,address,city,state,zip_code,phone,data_source",
    ),
    (
        "eligibility",
        f"person_id,member_id,subscriber_id,gender,race,birth_date,death_date,death_flag,{SPAN},plan,"
        "original_reason_entitlement_code,dual_status_code,medicare_status_code,group_id,group_name,first_name,"
        "last_name,social_security_number,subscriber_relation,address,city,state,zip_code,phone," + PROVENANCE,
    ),
)


@pytest.mark.parametrize(("name", "header"), HEADERS)
def test_every_header_is_declared_and_enough(name: str, header: str) -> None:
    feed = discover_adapters()["tuva"].feeds[name]
    column_of = {h: f.name for f in feed.fields for h in (f.name, *f.aliases)}
    sent = header.split(",")
    assert [h for h in sent if h not in column_of] == []
    found = [column_of[h] for h in sent]
    assert len(set(found)) == len(found)
    assert {f.name for f in feed.fields if f.required} <= set(found)


def test_the_adapter_conforms_to_what_it_sends() -> None:
    adapter = discover_adapters()["tuva"]
    assert sorted((c.contract.name, c.main.name) for c in adapter.conforms) == [
        ("claim_lines", "medical_claim"),
        ("claims", "medical_claim"),
        ("eligibility", "eligibility"),
    ]
    assert {name: feed.source.stem for name, feed in adapter.feeds.items()} == {name: name for name in adapter.feeds}
    assert set(adapter.feeds) == {name for name, _ in HEADERS}


def test_identifiers_are_marked() -> None:
    feeds = discover_adapters()["tuva"].feeds
    marked = {(name, f.name): f.phi for name, feed in feeds.items() for f in feed.fields if f.phi}
    assert {key[1] for key, phi in marked.items() if phi is MEMBER} == {"patient_id", "member_id", "subscriber_id"}
    assert {key[1] for key, phi in marked.items() if phi is ACCOUNT} == {"claim_id"}
    assert {key[1] for key, phi in marked.items() if phi is BIRTH_DATE} == {"birth_date", "death_date"}
    assert {key[1] for key, phi in marked.items() if phi is GEOGRAPHY} == {"city", "zip_code"}
    assert {"first_name", "last_name", "social_security_number", "address", "phone"} <= {
        key[1] for key, phi in marked.items() if phi is DIRECT
    }
    health = {key[1] for key, phi in marked.items() if phi is HEALTH}
    assert health == {"hcpcs_code", *(f"{kind}_code_{n}" for kind in ("diagnosis", "procedure") for n in range(1, 26))}
