"""Medical claims of the Tuva input layer: one row per claim line, on which the claim's own columns are repeated.

`claims.py` reads the claims of it, `claim_lines.py` the lines. Source: domain.md 1.1.
"""

from lakehouse.spec.feed import feed, raw
from lakehouse.spec.field import ACCOUNT, HEALTH, MEMBER
from lakehouse.spec.sources import FileSource

DIAGNOSES = tuple(f"diagnosis_code_{n}" for n in range(1, 26))
MODIFIERS = tuple(f"hcpcs_modifier_{n}" for n in range(1, 6))
PATIENT_SHARES = ("coinsurance_amount", "copayment_amount", "deductible_amount")

medical_claim = feed(
    "tuva",
    "medical_claim",
    "medical claim lines of the Tuva input layer",
    source=FileSource(stem="medical_claim"),
    key=("claim_id", "claim_line_number", "data_source"),
    fields=[
        raw("claim_id", "claim", required=True, phi=ACCOUNT),
        raw("claim_line_number", "line on the claim, from 1", required=True),
        raw("claim_type", "institutional, professional, dental, vision, pharmacy or undetermined", required=True),
        raw("patient_id", "person across members and sources", aliases=("person_id",), required=True, phi=MEMBER),
        raw("member_id", "number on the insurance card", phi=MEMBER),
        raw("payer", "payer; current columns only"),
        raw("plan", "plan; current columns only"),
        raw("claim_start_date", "first day of the claim", required=True),
        raw("claim_end_date", "last day of the claim"),
        raw("claim_line_start_date", "first day of the line"),
        raw("claim_line_end_date", "last day of the line"),
        raw("admission_date", "inpatient admission"),
        raw("discharge_date", "inpatient discharge"),
        raw("admit_source_code", "UB-04 source of admission"),
        raw("admit_type_code", "UB-04 type of admission"),
        raw("discharge_disposition_code", "UB-04 discharge status"),
        raw("place_of_service_code", "CMS place of service, two digits"),
        raw("bill_type_code", "UB-04 type of bill, with or without its leading zero"),
        raw("drg_code", "diagnosis related group, three digits", aliases=("ms_drg_code",)),
        raw("drg_code_type", "ms-drg or apr-drg; current columns only"),
        raw("apr_drg_code", "APR-DRG; some early columns only"),
        raw("revenue_center_code", "UB-04 revenue code; 0001 is the total row", aliases=("revenue_code",)),
        raw("service_unit_quantity", "service units"),
        raw("hcpcs_code", "CPT or HCPCS Level II code", phi=HEALTH),
        *[raw(name, f"modifier {name[-1]}") for name in MODIFIERS],
        raw("rendering_npi", "NPI of the rendering provider", aliases=("rendering_id",)),
        raw("rendering_tin", "tax number of the rendering provider; current columns only"),
        raw("billing_npi", "NPI of the billing provider", aliases=("billing_id",)),
        raw("billing_tin", "tax number of the billing provider; current columns only"),
        raw("facility_npi", "NPI of the facility", aliases=("facility_id",)),
        raw("paid_date", "day the payer paid"),
        raw("paid_amount", "USD paid by the plan", required=True),
        raw("allowed_amount", "USD allowed", required=True),
        raw("charge_amount", "USD charged", required=True),
        *[raw(name, f"USD of the patient's {name.split('_')[0]}; current columns only") for name in PATIENT_SHARES],
        raw("total_cost_amount", "USD of plan and patient; newer columns only"),
        raw("in_network_flag", "1 in network, 0 out of it; current columns only"),
        raw("diagnosis_code_type", "icd-10-cm or icd-9-cm"),
        *[raw(name, f"diagnosis {name.rsplit('_', 1)[1]}, without dot", phi=HEALTH) for name in DIAGNOSES],
        *[raw(f"diagnosis_poa_{n}", f"diagnosis {n} was present on admission") for n in range(1, 26)],
        raw("procedure_code_type", "icd-10-pcs or icd-9-pcs"),
        *[raw(f"procedure_code_{n}", f"inpatient procedure {n}", phi=HEALTH) for n in range(1, 26)],
        *[raw(f"procedure_date_{n}", f"day of inpatient procedure {n}") for n in range(1, 26)],
        raw("data_source", "where the mapper had the row from"),
        raw("file_name", "file the mapper had the row from; current columns only"),
        raw("file_date", "date of that file; current columns only"),
        raw("ingest_datetime", "when the mapper took it in; current columns only"),
    ],
)
