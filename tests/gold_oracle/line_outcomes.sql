-- How each service line was decided, first and last: an own row of the deciding answer says it, else the claim's result.

CREATE TEMP TABLE line_decision AS
WITH versions AS (
    SELECT f.network, f.family_id, f.claim_id, d.*  EXCLUDE (network, family_id),
        if(d.is_remitted, d.first_claim_id = f.claim_id,
            d.is_decided AND f.version_number = min(f.version_number) OVER (PARTITION BY f.network, f.family_id, f.slot)
        ) IS TRUE AS is_initial,
        f.counts AND d.is_decided AS is_final
    FROM claim_family f JOIN slot_decision d USING (network, family_id, slot)),
charged AS (
    FROM claim_line WHERE revenue_code IS DISTINCT FROM '0001' AND billed_amount IS DISTINCT FROM 0),
first_row AS (
    SELECT v.network, v.claim_id, s.line AS line_id, s.outcome AS first_row_outcome, s.denial AS first_row_denial
    FROM versions v JOIN said s ON s.network = v.network AND s.claim_id = v.claim_id
        AND s.remittance_id = v.first_remittance_id
    WHERE v.is_initial AND s.line IS NOT NULL),
last_row AS (
    SELECT v.network, v.claim_id, s.line AS line_id,
        arg_max(s.outcome, (s.remit_date, s.remittance_id)) AS last_row_outcome,
        arg_max(s.denial, (s.remit_date, s.remittance_id)) AS last_row_denial
    FROM versions v
    JOIN answer_state a ON a.network = v.network AND a.claim_id = v.claim_id
        AND a.payer_sequence = v.settling_sequence AND NOT a.is_reversal AND NOT a.is_taken_back
    JOIN said s ON s.network = a.network AND s.claim_id = a.claim_id AND s.remittance_id = a.remittance_id
    WHERE v.is_final AND s.line IS NOT NULL
    GROUP BY ALL)
SELECT l.network, l.claim_id, l.line_id, v.family_id, c.payer_code, c.first_adjudicated_date, c.is_closed_now,
    c.is_final_now, l.procedure_code_system, l.procedure_code, l.billed_amount AS charge, v.is_initial, v.is_final,
    v.has_evidence, first_row_denial, last_row_denial, v.first_denial, v.denial,
    first_row_outcome IS NULL AND v.is_remitted AS is_unsaid_first,
    last_row_outcome IS NULL AND v.is_remitted AS is_unsaid_last,
    CASE WHEN v.is_initial AND v.first_outcome IS NOT NULL
        THEN coalesce(first_row_outcome, nullif(v.first_outcome, 'partial')) END AS first_outcome,
    CASE WHEN v.is_final AND v.outcome IS NOT NULL
        THEN coalesce(last_row_outcome, nullif(v.outcome, 'partial')) END AS last_outcome
FROM versions v
JOIN charged l USING (network, claim_id)
JOIN claim_once c USING (network, family_id)
LEFT JOIN first_row USING (network, claim_id, line_id)
LEFT JOIN last_row USING (network, claim_id, line_id)
WHERE (v.is_initial OR v.is_final) AND NOT c.is_void_family;

-- With what was denied of each, at most its charge. What a claim denied in full denies of lines that no row speaks of
-- goes by charge, rounded so that the parts in the order of the lines add up.
CREATE TEMP TABLE line_outcome AS
WITH spread AS (
    SELECT *,
        if(is_unsaid_first AND first_outcome = 'full', coalesce(charge, 0), 0) AS first_share,
        if(is_unsaid_last AND last_outcome = 'full', coalesce(charge, 0), 0) AS last_share
    FROM line_decision),
shared AS (
    SELECT *,
        first_denial - coalesce(sum(first_row_denial) OVER claim, 0) AS first_rest,
        denial - coalesce(sum(last_row_denial) OVER claim, 0) AS last_rest,
        sum(first_share) OVER claim AS first_whole, sum(last_share) OVER claim AS last_whole,
        sum(first_share) OVER (claim ORDER BY line_id) AS first_until,
        sum(last_share) OVER (claim ORDER BY line_id) AS last_until
    FROM spread WINDOW claim AS (PARTITION BY network, claim_id))
SELECT * EXCLUDE (first_denial, denial),
    CASE WHEN first_outcome <> 'clean' THEN least(charge, if(is_unsaid_first,
        cents(first_rest * first_until, first_whole) - cents(first_rest * (first_until - first_share), first_whole),
        first_row_denial)) END AS first_denied,
    CASE WHEN last_outcome <> 'clean' THEN least(charge, if(is_unsaid_last,
        cents(last_rest * last_until, last_whole) - cents(last_rest * (last_until - last_share), last_whole),
        last_row_denial)) END AS last_denied
FROM shared;
