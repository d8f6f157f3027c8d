-- First and standing decision on each slot (the claim itself or an additive member), from its payers' answers.

CREATE TEMP TABLE answer_state AS
WITH last_of_payer AS (
    SELECT network, family_id, slot, payer_sequence,
        arg_max(remittance_id, (remit_date, remittance_id)) AS last_id, max(remit_date) AS last_date,
        min(remit_date) AS first_date
    FROM answer WHERE NOT is_reversal GROUP BY ALL)
SELECT a.*, last_id,
    -- Zero-paid, and its payer answered again: nothing will take it back. So with the reversal of such a one.
    paid = 0 AND coalesce(
        CASE WHEN NOT is_reversal THEN remittance_id <> last_id
            WHEN reverses IS NULL THEN remit_date <= last_date
            ELSE reverses <> last_id END, false) AS is_dropped,
    -- A reversal before all answers of its payer takes none back, unless it names one.
    first_date <= remit_date OR (reverses IS NOT NULL AND EXISTS (
        FROM answer o WHERE o.network = a.network AND o.claim_id = a.claim_id AND o.remittance_id = a.reverses
            AND NOT o.is_reversal)) AS finds_an_answer,
    -- Taken back: by name, or to the cent by a later reversal of the same payer that names none.
    NOT is_reversal AND EXISTS (
        FROM answer r WHERE r.network = a.network AND r.claim_id = a.claim_id AND r.is_reversal
            AND (r.reverses = a.remittance_id OR (r.reverses IS NULL AND r.payer_sequence = a.payer_sequence
                AND r.remit_date >= a.remit_date AND r.paid = -a.paid))) AS is_taken_back
FROM answer a LEFT JOIN last_of_payer USING (network, family_id, slot, payer_sequence);

CREATE TEMP TABLE payer_state AS
SELECT network, family_id, slot, payer_sequence,
    count(*) FILTER (NOT is_reversal AND NOT is_dropped)
        > count(*) FILTER (is_reversal AND NOT is_dropped AND finds_an_answer) AS stands,
    sum(paid) AS paid,
    coalesce(sum(denial) FILTER (NOT is_dropped), 0) AS denial,
    coalesce(sum(cost_share) FILTER (NOT is_dropped), 0) AS cost_share,
    coalesce(bool_or(says_denied) FILTER (NOT is_reversal AND remittance_id = last_id), false) AS says_denied
FROM answer_state GROUP BY ALL;

CREATE TEMP TABLE slot_decision AS
WITH first_answer AS (
    FROM answer_state WHERE NOT is_reversal
    QUALIFY row_number() OVER (
        PARTITION BY network, family_id, slot ORDER BY payer_sequence, remit_date, remittance_id) = 1),
standing AS (
    FROM payer_state
    QUALIFY row_number() OVER (PARTITION BY network, family_id, slot ORDER BY stands DESC, payer_sequence DESC) = 1),
slots AS (
    SELECT network, family_id, slot, bool_or(counts) AS is_live FROM claim_family GROUP BY ALL),
of_claim AS (SELECT network, family_id, unnest(decisions, recursive := true) FROM claim_final)
SELECT s.network, s.family_id, s.slot, s.is_live, e.has_evidence,
    l.stands IS NOT NULL AS is_remitted,
    -- Without remittances the claim's own figures say whether a payer decided.
    coalesce(l.stands, o.is_adjudicated) AS is_decided,
    l.payer_sequence AS settling_sequence,
    f.claim_id AS first_claim_id, f.remittance_id AS first_remittance_id, f.remit_date AS first_date, f.paid AS first_paid,
    CASE WHEN e.has_evidence THEN
        CASE WHEN l.stands IS NOT NULL THEN f.outcome WHEN o.is_adjudicated THEN 'clean' END END AS first_outcome,
    f.denial AS first_denial,
    CASE WHEN e.has_evidence AND s.is_live AND coalesce(l.stands, o.is_adjudicated) THEN
        CASE WHEN l.stands IS NULL THEN 'clean'
            WHEN l.says_denied OR (l.paid = 0 AND l.cost_share = 0 AND l.denial > 0) THEN 'full'
            WHEN l.denial > 0 THEN 'partial' ELSE 'clean' END END AS outcome,
    coalesce(l.denial, 0) AS denial
FROM slots s
JOIN sender e USING (network)
LEFT JOIN of_claim o USING (network, family_id, slot)
LEFT JOIN first_answer f USING (network, family_id, slot)
LEFT JOIN standing l USING (network, family_id, slot);
