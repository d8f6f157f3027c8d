"""Synthea's older and newer headers all find their column, and every identifier has its sensitivity class."""

import pytest

from lakehouse.bronze.synthea.patients import patients
from lakehouse.bronze.synthea.payer_transitions import payer_transitions
from lakehouse.spec.field import ACCOUNT, DIRECT, MEMBER
from lakehouse.spec.registry import discover_adapters

PAYER_COUNTERS = (
    "AMOUNT_COVERED,AMOUNT_UNCOVERED,REVENUE,COVERED_ENCOUNTERS,UNCOVERED_ENCOUNTERS,COVERED_MEDICATIONS,UNCOVERED_MEDICATIONS,"
    "COVERED_PROCEDURES,UNCOVERED_PROCEDURES,COVERED_IMMUNIZATIONS,UNCOVERED_IMMUNIZATIONS,UNIQUE_CUSTOMERS,QOLS_AVG,MEMBER_MONTHS"
)
CLAIMS = (
    "Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,SECONDARYPATIENTINSURANCEID,DEPARTMENTID,PATIENTDEPARTMENTID,DIAGNOSIS1,"
    "DIAGNOSIS2,DIAGNOSIS3,DIAGNOSIS4,DIAGNOSIS5,DIAGNOSIS6,DIAGNOSIS7,DIAGNOSIS8,REFERRINGPROVIDERID,APPOINTMENTID,"
    "CURRENTILLNESSDATE,SERVICEDATE,SUPERVISINGPROVIDERID,STATUS1,STATUS2,STATUSP,OUTSTANDING1,OUTSTANDING2,OUTSTANDINGP,"
    "LASTBILLEDDATE1,LASTBILLEDDATE2,LASTBILLEDDATEP,HEALTHCARECLAIMTYPEID1,HEALTHCARECLAIMTYPEID2"
)
TRANSACTIONS = (
    "ID,CLAIMID,CHARGEID,PATIENTID,TYPE,AMOUNT,METHOD,FROMDATE,TODATE,PLACEOFSERVICE,PROCEDURECODE,MODIFIER1,MODIFIER2,"
    "DIAGNOSISREF1,DIAGNOSISREF2,DIAGNOSISREF3,DIAGNOSISREF4,UNITS,DEPARTMENTID,NOTES,UNITAMOUNT,TRANSFEROUTID,TRANSFERTYPE,"
    "PAYMENTS,ADJUSTMENTS,TRANSFERS,OUTSTANDING,APPOINTMENTID,LINENOTE,PATIENTINSURANCEID,FEESCHEDULEID,PROVIDERID,"
    "SUPERVISINGPROVIDERID"
)
ENCOUNTERS = (
    "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,"
    "PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION"
)
HEADERS = (
    ("claims", CLAIMS),
    ("claims_transactions", TRANSACTIONS),
    ("encounters", ENCOUNTERS),
    ("payers", f"Id,NAME,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,{PAYER_COUNTERS}"),
    ("payers", f"Id,NAME,OWNERSHIP,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,{PAYER_COUNTERS}"),
    ("payer_transitions", "PATIENT,START_YEAR,END_YEAR,PAYER,OWNERSHIP"),
    ("payer_transitions", "PATIENT,MEMBERID,START_YEAR,END_YEAR,PAYER,SECONDARY_PAYER,OWNERSHIP,OWNERNAME"),
    ("payer_transitions", "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,SECONDARY_PAYER,PLAN_OWNERSHIP,OWNER_NAME"),
    ("providers", "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,UTILIZATION"),
    ("providers", "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,ENCOUNTERS,PROCEDURES,NPI"),
    ("organizations", "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION"),
    ("organizations", "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION,NPI"),
    (
        "patients",
        "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,"
        "ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE",
    ),
    (
        "patients",
        "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,"
        "BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,FIPS,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE,INCOME",
    ),
)


@pytest.mark.parametrize(("name", "header"), HEADERS)
def test_every_header_ever_exported_is_declared_and_enough(name: str, header: str) -> None:
    feed = discover_adapters()["synthea"].feeds[name]
    column_of = {h: f.name for f in feed.fields for h in (f.name, *f.aliases)}
    sent = [h.lower() for h in header.split(",")]
    assert [h for h in sent if h not in column_of] == []
    found = [column_of[h] for h in sent]
    assert len(set(found)) == len(found)
    assert {f.name for f in feed.fields if f.required} <= set(found)


def test_the_adapter_conforms_to_what_it_sends() -> None:
    adapter = discover_adapters()["synthea"]
    assert sorted((c.contract.name, c.main.name) for c in adapter.conforms) == [
        ("claim_lines", "claims_transactions"),
        ("claims", "claims"),
        ("eligibility", "payer_transitions"),
        ("payments", "claims_transactions"),
        ("providers", "organizations"),
        ("providers", "providers"),
    ]
    assert {name: feed.source.stem for name, feed in adapter.feeds.items()} == {name: name for name in adapter.feeds}
    assert set(adapter.feeds) == {name for name, _ in HEADERS}


def test_direct_identifiers_are_marked() -> None:
    direct = {f.name for f in patients.fields if f.phi is DIRECT}
    assert {"ssn", "drivers", "passport", "first", "middle", "last", "maiden", "address"} <= direct
    assert {f.name: f.phi for f in payer_transitions.fields if f.phi} == {
        "patient": MEMBER,
        "memberid": MEMBER,
        "owner_name": DIRECT,
    }
    claim_feeds = [
        discover_adapters()["synthea"].feeds[name] for name in ("claims", "claims_transactions", "encounters")
    ]
    assert all(
        f.phi is ACCOUNT for feed in claim_feeds for f in feed.fields if f.name in ("id", "claimid", "appointmentid")
    )
    assert all(f.phi is MEMBER for feed in claim_feeds for f in feed.fields if f.name in ("patientid", "patient"))
