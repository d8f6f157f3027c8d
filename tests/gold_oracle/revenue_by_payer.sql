SELECT service_month, network, payer_code,
    count(*) FILTER (NOT is_void_family) AS claim_count,
    sum(line_count) AS line_count,
    sum(billed_amount) AS billed_amount,
    sum(allowed_amount) AS allowed_amount,
    count(*) FILTER (NOT is_void_family AND allowed_amount IS NULL) AS claims_without_allowed,
    sum(paid_amount) AS paid_amount,
    sum(patient_responsibility_amount) AS patient_responsibility_amount,
    sum(patient_paid_amount) AS patient_paid_amount,
    sum(contractual_amount) AS contractual_amount,
    sum(denied_amount - in_denial) AS denied_amount,
    sum(other_adjustment_amount) AS other_adjustment_amount,
    sum(encounter_amount) AS encounter_amount,
    sum(in_denial + open_left) AS outstanding_amount,
    sum(if(is_adjudicated, 0, open_left)) AS outstanding_unadjudicated_amount,
    sum(in_denial) AS outstanding_in_denial_amount,
    sum(if(is_adjudicated, open_left, 0)) AS outstanding_unexplained_amount,
    sum(residual) AS residual_amount,
    sum(credit) AS credit_amount,
    if(bool_and(elig_status = 'unknown_member'), NULL,
        count(*) FILTER (NOT is_void_family AND elig_status NOT IN ('covered', 'unknown_member')))
        AS claims_outside_coverage,
    if(bool_and(elig_status = 'unknown_member'), NULL, coalesce(
        sum(paid_amount) FILTER (NOT is_void_family AND elig_status NOT IN ('covered', 'unknown_member')), 0))
        AS paid_outside_coverage_amount
FROM claim_owed GROUP BY ALL
