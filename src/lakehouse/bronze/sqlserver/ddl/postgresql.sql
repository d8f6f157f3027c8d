-- Tables of the adapter `sqlserver` on PostgreSQL 13 or later, run once by an owner of the database (psql).
--
-- RowVersion is the number of the transaction that last wrote the row: rows of a transaction that is still open, and of
-- all that began after it, lie at or above pg_snapshot_xmin(pg_current_snapshot()). ModifiedDate is UTC
-- (`sql.stamp_clock = "utc"`); a writer that leaves it as it was gets the server's clock. Deleted rows leave no trace:
-- they are found by comparing keys (`sql.compare_keys_days`).
--
-- The login that reads needs no more than:
--     GRANT USAGE ON SCHEMA dbo TO lakehouse_reader;
--     GRANT SELECT ON ALL TABLES IN SCHEMA dbo TO lakehouse_reader;

CREATE SCHEMA IF NOT EXISTS dbo;

CREATE FUNCTION dbo.stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."RowVersion" := pg_current_xact_id();
    IF TG_OP = 'UPDATE' AND NEW."ModifiedDate" IS NOT DISTINCT FROM OLD."ModifiedDate" THEN
        NEW."ModifiedDate" := clock_timestamp() AT TIME ZONE 'UTC';
    END IF;
    RETURN NEW;
END
$$;

CREATE TABLE dbo."Claims" (
    "ClaimID" text NOT NULL,
    "PayerControlNumber" text,
    "PatientControlNumber" text,
    "ReplacesClaimID" text,
    "FrequencyCode" text,
    "ClaimType" text,
    "MemberID" text NOT NULL,
    "PayerName" text,
    "PayerID" text,
    "PlanName" text,
    "LineOfBusiness" text,
    "SecondaryPayerName" text,
    "BillingProviderID" text,
    "RenderingProviderID" text,
    "FacilityProviderID" text,
    "BillingNPI" text,
    "RenderingNPI" text,
    "FacilityNPI" text,
    "ServiceFromDate" date NOT NULL,
    "ServiceToDate" date,
    "AdmissionDate" date,
    "DischargeDate" date,
    "SubmittedDate" date,
    "ReceivedDate" date,
    "AdjudicatedDate" date,
    "ClosedDate" date,
    "IsClosed" boolean,
    "AppealDate" date,
    "AppealOutcome" text,
    "BillTypeCode" text,
    "DRGCode" text,
    "DiagnosisCodes" text,
    "ClaimStatus" text,
    "PaymentArrangement" text,
    "MoneyLevel" text,
    "BilledAmount" numeric(14,2),
    "AllowedAmount" numeric(14,2),
    "PaidAmount" numeric(14,2),
    "PatientResponsibilityAmount" numeric(14,2),
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("ClaimID")
);
CREATE INDEX "Claims_RowVersion" ON dbo."Claims" ("RowVersion");
CREATE INDEX "Claims_ModifiedDate" ON dbo."Claims" ("ModifiedDate");
CREATE TRIGGER "Claims_Stamp" BEFORE INSERT OR UPDATE ON dbo."Claims"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."ClaimLines" (
    "ClaimID" text NOT NULL,
    "LineID" text NOT NULL,
    "LineNumber" integer,
    "ServiceFromDate" date,
    "ServiceToDate" date,
    "ProcedureCode" text,
    "ProcedureCodeSystem" text,
    "Modifiers" text,
    "RevenueCode" text,
    "PlaceOfServiceCode" text,
    "Units" numeric(12,3),
    "RenderingProviderID" text,
    "RenderingNPI" text,
    "BilledAmount" numeric(14,2),
    "AllowedAmount" numeric(14,2),
    "PaidAmount" numeric(14,2),
    "PatientResponsibilityAmount" numeric(14,2),
    "DenialCode" text,
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("ClaimID", "LineID")
);
CREATE INDEX "ClaimLines_RowVersion" ON dbo."ClaimLines" ("RowVersion");
CREATE INDEX "ClaimLines_ModifiedDate" ON dbo."ClaimLines" ("ModifiedDate");
CREATE TRIGGER "ClaimLines_Stamp" BEFORE INSERT OR UPDATE ON dbo."ClaimLines"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."Payments" (
    "PaymentID" text NOT NULL,
    "RemittanceID" text NOT NULL,
    "PaymentLevel" text,
    "PaymentKind" text NOT NULL,
    "PayerSequence" integer,
    "ClaimID" text,
    "LineID" text,
    "PayerName" text,
    "RemitStatusCode" text,
    "RemitDate" date NOT NULL,
    "TraceNumber" text,
    "ReversesRemittanceID" text,
    "BilledAmount" numeric(14,2),
    "AllowedAmount" numeric(14,2),
    "PaidAmount" numeric(14,2),
    "PatientResponsibilityAmount" numeric(14,2),
    "PatientPaidAmount" numeric(14,2),
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("PaymentID")
);
CREATE INDEX "Payments_RowVersion" ON dbo."Payments" ("RowVersion");
CREATE INDEX "Payments_ModifiedDate" ON dbo."Payments" ("ModifiedDate");
CREATE TRIGGER "Payments_Stamp" BEFORE INSERT OR UPDATE ON dbo."Payments"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."PaymentAdjustments" (
    "PaymentID" text NOT NULL,
    "AdjustmentID" text NOT NULL,
    "GroupCode" text,
    "ReasonCode" text,
    "RemarkCode" text,
    "Amount" numeric(14,2),
    "Quantity" numeric(12,3),
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("PaymentID", "AdjustmentID")
);
CREATE INDEX "PaymentAdjustments_RowVersion" ON dbo."PaymentAdjustments" ("RowVersion");
CREATE INDEX "PaymentAdjustments_ModifiedDate" ON dbo."PaymentAdjustments" ("ModifiedDate");
CREATE TRIGGER "PaymentAdjustments_Stamp" BEFORE INSERT OR UPDATE ON dbo."PaymentAdjustments"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."Providers" (
    "ProviderID" text NOT NULL,
    "LocationID" text NOT NULL DEFAULT 'MAIN',
    "NPI" text,
    "EntityType" text,
    "ProviderName" text,
    "TIN" text,
    "TaxonomyCode" text,
    "Specialty" text,
    "State" text,
    "ZipCode" text,
    "EffectiveDate" date,
    "TerminationDate" date,
    "IsFullRoster" boolean,
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("ProviderID", "LocationID")
);
CREATE INDEX "Providers_RowVersion" ON dbo."Providers" ("RowVersion");
CREATE INDEX "Providers_ModifiedDate" ON dbo."Providers" ("ModifiedDate");
CREATE TRIGGER "Providers_Stamp" BEFORE INSERT OR UPDATE ON dbo."Providers"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."Eligibility" (
    "MemberID" text NOT NULL,
    "PayerName" text NOT NULL,
    "PlanName" text NOT NULL,
    "CoverageType" text NOT NULL,
    "CoverageStartDate" date NOT NULL,
    "LineOfBusiness" text,
    "CoverageEndDate" date,
    "BirthDate" date,
    "Sex" text,
    "State" text,
    "ZipCode" text,
    "IsFullFile" boolean,
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("MemberID", "PayerName", "PlanName", "CoverageType", "CoverageStartDate")
);
CREATE INDEX "Eligibility_RowVersion" ON dbo."Eligibility" ("RowVersion");
CREATE INDEX "Eligibility_ModifiedDate" ON dbo."Eligibility" ("ModifiedDate");
CREATE TRIGGER "Eligibility_Stamp" BEFORE INSERT OR UPDATE ON dbo."Eligibility"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();

CREATE TABLE dbo."DenialCodes" (
    "GroupCode" text NOT NULL DEFAULT '-',
    "DenialCode" text NOT NULL,
    "Carc" text,
    "Description" text,
    "Category" text,
    "IsDenial" boolean,
    "IsPreventable" boolean,
    "ModifiedDate" timestamp DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
    "RowVersion" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY ("GroupCode", "DenialCode")
);
CREATE INDEX "DenialCodes_RowVersion" ON dbo."DenialCodes" ("RowVersion");
CREATE INDEX "DenialCodes_ModifiedDate" ON dbo."DenialCodes" ("ModifiedDate");
CREATE TRIGGER "DenialCodes_Stamp" BEFORE INSERT OR UPDATE ON dbo."DenialCodes"
    FOR EACH ROW EXECUTE FUNCTION dbo.stamp_change();
