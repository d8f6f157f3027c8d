-- What several figures need. The day is the variable `as_of`; `sender` says of each network what its settings say.

CREATE MACRO month_of(day) AS date_trunc('month', day)::DATE;

CREATE MACRO has_come(day) AS coalesce(day <= getvariable('as_of'), false);

-- part / whole, exactly, a half rounded away from zero; null unless whole is above 0. Amounts have two decimals.
CREATE MACRO ratio(part, whole, places) AS CASE WHEN whole > 0 THEN (
    sign(part)::HUGEINT * ((abs(part) * 100)::HUGEINT * 2 * places + (whole * 100)::HUGEINT)
    // (2 * (whole * 100)::HUGEINT))::DECIMAL(38, 0) END;
CREATE MACRO rate(part, whole) AS (ratio(part, whole, 1000000) * 0.000001::DECIMAL(7, 6))::DECIMAL(18, 6);
CREATE MACRO cents(part, whole) AS (ratio(part, whole, 100) * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2);

CREATE MACRO name_key(name) AS nullif(trim(regexp_replace(upper(name), '[^\p{L}\p{N}]+', ' ', 'g')), '');

-- The standard payer of a name for any line of business.
CREATE MACRO payer_of(name) AS coalesce(
    (SELECT any_value(m.payer_code) FROM payer_mapping m
     WHERE m.payer_name_key = coalesce(name_key(name), '-') AND m.line_of_business_key = '-'), 'OTHER');

-- Claims that count: of those that several networks sent, one. `left_over` is what no figure of the claim explains.
CREATE TEMP TABLE claim_once AS
SELECT c.*,
    c.billed_amount - c.paid_amount - c.patient_responsibility_amount - c.contractual_amount - c.denied_amount
        - c.other_adjustment_amount - c.encounter_amount AS left_over,
    has_come(c.closes_on) AS is_closed_now,
    has_come(c.denial_final_on) AS is_final_now
FROM claim_final c
WHERE NOT EXISTS (
    FROM claim_copy o
    WHERE o.network = c.network AND o.family_id = c.family_id AND o.outcome <> 'possible' AND NOT o.is_kept);

-- Money still expected, of each claim: what is denied and not lost yet, and what is left of open ones.
CREATE TEMP TABLE claim_owed AS
SELECT *,
    if(is_final_now, 0, denied_amount) AS in_denial,
    if(is_closed_now, 0, greatest(left_over, 0)) AS open_left,
    if(is_closed_now, greatest(left_over, 0), 0) AS residual,
    least(left_over, 0) AS credit
FROM claim_once;
