-- What payers answered, from payment rows and their adjustments.

-- Payment rows of claims. A row that another delivery said before, of the same check or transfer, is a duplicate.
CREATE TEMP TABLE payment_row AS
WITH adjusted AS (
    SELECT network, payment_id, list_sort(list(row(group_code, reason_code, amount)::VARCHAR)) AS adjustments
    FROM adjustment GROUP BY ALL)
SELECT p.*,
    p.payment_kind = 'payer' AND p.trace_number IS NOT NULL AND p._batch_id <> first_value(p._batch_id) OVER (
        PARTITION BY p.network, claim_id, payer_name, trace_number, line_id, payment_level, remit_status_code,
            billed_amount, allowed_amount, paid_amount, patient_responsibility_amount, patient_paid_amount, adjustments
        ORDER BY p.modified_at, p.payment_id) AS is_said_before
FROM payment p LEFT JOIN adjusted a USING (network, payment_id)
WHERE p.claim_id IS NOT NULL;

-- The one class of each adjustment, first match.
CREATE TEMP TABLE classed AS
SELECT a.network, a.payment_id, a.amount, a.group_code,
    coalesce(c.carc, a.reason_code, '-') AS carc, coalesce(c.category, 'UNKNOWN') AS category, c.is_preventable,
    CASE
        WHEN a.group_code = 'PR' THEN 'patient'
        WHEN a.group_code = 'OA' AND c.carc = '23' THEN 'earlier payers'
        WHEN c.is_denial_code THEN 'denial'
        WHEN c.is_denial_code IS NULL THEN 'unknown'
        ELSE 'no denial' END AS class
FROM adjustment a LEFT JOIN adjustment_code c USING (network, group_code, reason_code);

-- What one remittance says of the claim (`line` is null), and what it says of each line.
CREATE TEMP TABLE said AS
WITH adjusted AS (
    SELECT network, payment_id,
        sum(amount) FILTER (class = 'patient') AS patient,
        sum(amount) FILTER (class = 'patient' AND carc IN ('1', '2', '3')) AS cost_share,
        sum(amount) FILTER (class = 'denial') AS coded,
        sum(amount) FILTER (class = 'unknown') AS uncoded,
        count(*) FILTER (class = 'denial' AND carc <> '18') AS real_denials
    FROM classed GROUP BY ALL),
told AS (
    SELECT r.*, a.* EXCLUDE (network, payment_id), r.payment_level = 'claim' AS is_whole, unnest(
        if(r.payment_level = 'line' AND r.line_id IS NOT NULL, [NULL, r.line_id], [NULL])) AS line
    FROM payment_row r LEFT JOIN adjusted a USING (network, payment_id)
    WHERE r.payment_kind = 'payer' AND NOT r.is_said_before),
summed AS (
    SELECT network, claim_id, remittance_id, line,
        coalesce(max(payer_sequence), 1) AS payer_sequence, max(payer_name) AS payer_name, max(remit_date) AS remit_date,
        max(reverses_remittance_id) AS reverses,
        coalesce(bool_or(remit_status_code = '22'), false) AS is_reversal,
        coalesce(bool_or(remit_status_code = '4'), false) AS says_denied,
        coalesce(bool_or(remit_status_code IN ('23', '25')), false) AS decides_nothing,
        coalesce(sum(paid_amount) FILTER (is_whole), sum(paid_amount) FILTER (NOT is_whole), 0) AS paid,
        coalesce(sum(billed_amount) FILTER (is_whole), sum(billed_amount) FILTER (NOT is_whole)) AS billed,
        sum(patient) AS patient, coalesce(sum(cost_share), 0) AS cost_share, sum(coded) AS coded, sum(uncoded) AS uncoded,
        coalesce(sum(real_denials), 0) AS real_denials
    FROM told GROUP BY network, claim_id, remittance_id, line),
denied AS (
    SELECT *, paid = 0 AND patient IS NULL AS unknown_denies,
        CASE WHEN says_denied AND coded IS NULL AND uncoded IS NULL THEN billed
            ELSE coalesce(coded, 0) + if(paid = 0 AND patient IS NULL, coalesce(uncoded, 0), 0) END AS denial
    FROM summed)
SELECT * REPLACE (coalesce(denial, 0) AS denial),
    CASE WHEN says_denied OR (paid = 0 AND cost_share = 0 AND denial > 0) THEN 'full'
        WHEN denial > 0 THEN 'partial' ELSE 'clean' END AS outcome,
    paid = 0 AND coded <> 0 AND real_denials = 0 AND NOT (unknown_denies AND uncoded IS NOT NULL) IS TRUE AS only_repeats
FROM denied;

-- Adjudications and reversals of them, in their claim's place in its family.
CREATE TEMP TABLE answer AS
SELECT s.*, f.family_id, f.slot
FROM said s JOIN claim_family f USING (network, claim_id)
WHERE s.line IS NULL AND NOT s.decides_nothing AND NOT coalesce(s.only_repeats, false);

-- Every posting of a payer, with the claim's own payer and the one that posted; held repetitions are none.
CREATE TEMP TABLE posted AS
SELECT s.network, s.claim_id, s.remittance_id, s.remit_date, s.is_reversal, s.paid, c.service_month, c.payer_code,
    CASE WHEN name_key(s.payer_name) IS NULL OR name_key(s.payer_name) = name_key(c.payer_name) THEN c.payer_code
        ELSE payer_of(s.payer_name) END AS posting_payer_code
FROM said s JOIN claim_family f USING (network, claim_id) JOIN claim_once c USING (network, family_id)
WHERE s.line IS NULL;
