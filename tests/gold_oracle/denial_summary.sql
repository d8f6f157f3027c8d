-- A claim of which neither submission nor receipt is known is in no month. Of a claim of several slots: denied in full if every decided one is, in part if any is denied at all.
WITH decided AS (
    SELECT network, family_id, bool_and(has_evidence) AS has_evidence,
        bool_or(first_outcome IN ('full', 'partial')) AS is_denied_first,
        coalesce(sum(first_denial) FILTER (first_outcome IN ('full', 'partial')), 0) AS denied_first,
        coalesce(sum(first_paid) FILTER (first_outcome IN ('full', 'partial')), 0) AS paid_first,
        bool_and(outcome = 'full') FILTER (outcome IS NOT NULL) AS is_denied_last,
        bool_and(outcome = 'clean') FILTER (outcome IS NOT NULL) AND bool_and(is_decided OR NOT is_live) AS is_clean_last
    FROM slot_decision GROUP BY ALL),
claims AS (
    SELECT c.*, d.* EXCLUDE (network, family_id),
        has_come(coalesce(submitted_date, submission_month)) AS is_submitted,
        has_come(coalesce(submitted_date, submission_month)) AND has_come(first_adjudicated_date) AS is_decided,
        has_come(coalesce(submitted_date, submission_month)) AND has_come(first_adjudicated_date)
            AND coalesce(is_denied_first, false) AS is_denied
    FROM claim_once c JOIN decided d USING (network, family_id)
    WHERE NOT is_void_family AND submission_month IS NOT NULL),
counted AS (
    SELECT submission_month, network, payer_code, has_evidence,
        count(*) FILTER (is_submitted) AS submitted,
        count(*) FILTER (is_decided) AS decided,
        count(*) FILTER (is_denied) AS denied,
        count(*) FILTER (is_decided AND is_denied_last AND is_final_now) AS denied_finally,
        count(*) FILTER (is_denied AND is_clean_last) AS overturned,
        count(*) FILTER (is_denied AND has_come(appeal_date)) AS appealed,
        coalesce(sum(billed_amount) FILTER (is_submitted), 0) AS billed,
        coalesce(sum(denied_first) FILTER (is_denied), 0) AS denied_amount,
        coalesce(sum(billed_amount) FILTER (is_denied), 0) AS denied_charge,
        coalesce(sum(greatest(0, least(paid_amount - paid_first, denied_first))) FILTER (is_denied), 0) AS recovered
    FROM claims GROUP BY ALL)
SELECT submission_month, network, payer_code,
    submitted AS claims_submitted,
    decided AS claims_adjudicated,
    if(has_evidence, denied, NULL) AS claims_initially_denied,
    if(has_evidence, denied_finally, NULL) AS claims_finally_denied,
    if(has_evidence, overturned, NULL) AS claims_overturned,
    if(has_evidence, appealed, NULL) AS claims_appealed,
    billed AS billed_amount,
    if(has_evidence, denied_amount, NULL) AS initially_denied_amount,
    if(has_evidence, denied_charge, NULL) AS initially_denied_charge_amount,
    if(has_evidence, recovered, NULL) AS recovered_amount,
    if(has_evidence, rate(denied, submitted), NULL) AS initial_denial_rate_submitted,
    if(has_evidence, rate(denied, decided), NULL) AS initial_denial_rate_adjudicated,
    if(has_evidence, rate(denied_charge, billed), NULL) AS initial_denial_rate_dollars,
    if(has_evidence, rate(denied_finally, decided), NULL) AS final_denial_rate_adjudicated
FROM counted
