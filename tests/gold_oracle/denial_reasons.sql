-- Why claims were denied at first, and how much of it the standing answers still deny.

CREATE TEMP TABLE reason_of_answer AS
WITH every AS (
    SELECT r.network, r.claim_id, r.remittance_id, c.group_code, c.carc, c.category, c.is_preventable, c.amount,
        if(r.payment_level = 'line', r.line_id, NULL) AS line
    FROM payment_row r
    JOIN classed c USING (network, payment_id)
    JOIN said s ON s.network = r.network AND s.claim_id = r.claim_id AND s.remittance_id = r.remittance_id AND s.line IS NULL
    WHERE r.payment_kind = 'payer' AND NOT r.is_said_before
        AND (c.class = 'denial' OR (c.class = 'unknown' AND s.unknown_denies))),
unexplained AS (
    SELECT network, claim_id, remittance_id, '-', '-', 'UNKNOWN', NULL::BOOLEAN, denial, NULL::VARCHAR
    FROM said WHERE line IS NULL AND denial > 0
        AND (network, claim_id, remittance_id) NOT IN (SELECT (network, claim_id, remittance_id) FROM every))
FROM every UNION ALL FROM unexplained;

CREATE TEMP TABLE denial_reason AS
WITH first_reason AS (
    SELECT d.network, d.family_id, r.group_code, r.carc, max(r.category) AS category,
        max(r.is_preventable) AS is_preventable,
        count(DISTINCT (r.claim_id, r.line)) FILTER (r.line IS NOT NULL) AS line_count, sum(r.amount) AS denied
    FROM slot_decision d
    JOIN reason_of_answer r ON r.network = d.network AND r.claim_id = d.first_claim_id
        AND r.remittance_id = d.first_remittance_id
    WHERE d.first_outcome IN ('full', 'partial') AND d.is_remitted
    GROUP BY ALL),
standing_answer AS (
    SELECT a.network, a.family_id, a.claim_id, a.remittance_id
    FROM answer_state a JOIN slot_decision d USING (network, family_id, slot)
    WHERE d.is_decided AND a.payer_sequence = d.settling_sequence AND NOT a.is_reversal AND NOT a.is_taken_back
    QUALIFY row_number() OVER (
        PARTITION BY a.network, a.family_id, a.slot ORDER BY a.remit_date DESC, a.remittance_id DESC) = 1),
standing_reason AS (
    SELECT s.network, s.family_id, r.group_code, r.carc, sum(r.amount) AS standing
    FROM standing_answer s JOIN reason_of_answer r USING (network, claim_id, remittance_id)
    GROUP BY ALL),
-- What is denied now goes to the same reason first, then to the others in their order.
wanted AS (
    SELECT f.*, c.payer_code, c.is_final_now, c.initially_denied_date,
        greatest(f.denied, 0) AS most,
        if(c.is_adjudicated, c.denied_amount, 1e11::DECIMAL(18, 2)) AS still_in_all,
        least(greatest(f.denied, 0), coalesce(s.standing, 0)) AS same
    FROM first_reason f
    JOIN claim_once c USING (network, family_id)
    LEFT JOIN standing_reason s USING (network, family_id, group_code, carc)
    WHERE NOT c.is_void_family),
matched AS (
    SELECT *, greatest(0, least(same, still_in_all - coalesce(sum(same) OVER earlier, 0))) AS first_part
    FROM wanted
    WINDOW earlier AS (PARTITION BY network, family_id ORDER BY group_code, carc
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
SELECT *, first_part + greatest(0, least(most - first_part,
    still_in_all - sum(first_part) OVER family - coalesce(sum(most - first_part) OVER earlier, 0))) AS still_denied
FROM matched
WINDOW family AS (PARTITION BY network, family_id),
    earlier AS (PARTITION BY network, family_id ORDER BY group_code, carc
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);
