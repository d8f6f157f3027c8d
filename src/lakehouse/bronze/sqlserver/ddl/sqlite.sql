-- Tables of the adapter `sqlserver` on SQLite, for tests and the demo.
--
-- RowVersion is taken from one counter by triggers, at every insert and update; SQLite lets one transaction write at a
-- time, so the numbers are in the order of the commits. ModifiedDate is UTC (`sql.stamp_clock = "utc"`); a writer that
-- leaves it as it was gets the clock. Amounts are text: a NUMERIC column would make them floating-point numbers.
-- Deleted rows leave no trace: they are found by comparing keys (`sql.compare_keys_days`).
-- Reading needs read access to the file and, because of its write-ahead log, write access to its folder.

PRAGMA journal_mode = WAL;

CREATE TABLE ChangeCounter (Value INTEGER NOT NULL);
INSERT INTO ChangeCounter VALUES (0);

CREATE TABLE Claims (
    ClaimID TEXT NOT NULL,
    PayerControlNumber TEXT,
    PatientControlNumber TEXT,
    ReplacesClaimID TEXT,
    FrequencyCode TEXT,
    ClaimType TEXT,
    MemberID TEXT NOT NULL,
    PayerName TEXT,
    PayerID TEXT,
    PlanName TEXT,
    LineOfBusiness TEXT,
    SecondaryPayerName TEXT,
    BillingProviderID TEXT,
    RenderingProviderID TEXT,
    FacilityProviderID TEXT,
    BillingNPI TEXT,
    RenderingNPI TEXT,
    FacilityNPI TEXT,
    ServiceFromDate TEXT NOT NULL,
    ServiceToDate TEXT,
    AdmissionDate TEXT,
    DischargeDate TEXT,
    SubmittedDate TEXT,
    ReceivedDate TEXT,
    AdjudicatedDate TEXT,
    ClosedDate TEXT,
    IsClosed INTEGER,
    AppealDate TEXT,
    AppealOutcome TEXT,
    BillTypeCode TEXT,
    DRGCode TEXT,
    DiagnosisCodes TEXT,
    ClaimStatus TEXT,
    PaymentArrangement TEXT,
    MoneyLevel TEXT,
    BilledAmount TEXT,
    AllowedAmount TEXT,
    PaidAmount TEXT,
    PatientResponsibilityAmount TEXT,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (ClaimID)
);
CREATE INDEX Claims_RowVersion ON Claims (RowVersion);
CREATE INDEX Claims_ModifiedDate ON Claims (ModifiedDate);
CREATE TRIGGER Claims_Inserted AFTER INSERT ON Claims BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Claims SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER Claims_Updated AFTER UPDATE ON Claims WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Claims SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE ClaimLines (
    ClaimID TEXT NOT NULL,
    LineID TEXT NOT NULL,
    LineNumber INTEGER,
    ServiceFromDate TEXT,
    ServiceToDate TEXT,
    ProcedureCode TEXT,
    ProcedureCodeSystem TEXT,
    Modifiers TEXT,
    RevenueCode TEXT,
    PlaceOfServiceCode TEXT,
    Units TEXT,
    RenderingProviderID TEXT,
    RenderingNPI TEXT,
    BilledAmount TEXT,
    AllowedAmount TEXT,
    PaidAmount TEXT,
    PatientResponsibilityAmount TEXT,
    DenialCode TEXT,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (ClaimID, LineID)
);
CREATE INDEX ClaimLines_RowVersion ON ClaimLines (RowVersion);
CREATE INDEX ClaimLines_ModifiedDate ON ClaimLines (ModifiedDate);
CREATE TRIGGER ClaimLines_Inserted AFTER INSERT ON ClaimLines BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE ClaimLines SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER ClaimLines_Updated AFTER UPDATE ON ClaimLines WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE ClaimLines SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE Payments (
    PaymentID TEXT NOT NULL,
    RemittanceID TEXT NOT NULL,
    PaymentLevel TEXT,
    PaymentKind TEXT NOT NULL,
    PayerSequence INTEGER,
    ClaimID TEXT,
    LineID TEXT,
    PayerName TEXT,
    RemitStatusCode TEXT,
    RemitDate TEXT NOT NULL,
    TraceNumber TEXT,
    ReversesRemittanceID TEXT,
    BilledAmount TEXT,
    AllowedAmount TEXT,
    PaidAmount TEXT,
    PatientResponsibilityAmount TEXT,
    PatientPaidAmount TEXT,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (PaymentID)
);
CREATE INDEX Payments_RowVersion ON Payments (RowVersion);
CREATE INDEX Payments_ModifiedDate ON Payments (ModifiedDate);
CREATE TRIGGER Payments_Inserted AFTER INSERT ON Payments BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Payments SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER Payments_Updated AFTER UPDATE ON Payments WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Payments SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE PaymentAdjustments (
    PaymentID TEXT NOT NULL,
    AdjustmentID TEXT NOT NULL,
    GroupCode TEXT,
    ReasonCode TEXT,
    RemarkCode TEXT,
    Amount TEXT,
    Quantity TEXT,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (PaymentID, AdjustmentID)
);
CREATE INDEX PaymentAdjustments_RowVersion ON PaymentAdjustments (RowVersion);
CREATE INDEX PaymentAdjustments_ModifiedDate ON PaymentAdjustments (ModifiedDate);
CREATE TRIGGER PaymentAdjustments_Inserted AFTER INSERT ON PaymentAdjustments BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE PaymentAdjustments SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER PaymentAdjustments_Updated AFTER UPDATE ON PaymentAdjustments WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE PaymentAdjustments SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE Providers (
    ProviderID TEXT NOT NULL,
    LocationID TEXT NOT NULL DEFAULT 'MAIN',
    NPI TEXT,
    EntityType TEXT,
    ProviderName TEXT,
    TIN TEXT,
    TaxonomyCode TEXT,
    Specialty TEXT,
    State TEXT,
    ZipCode TEXT,
    EffectiveDate TEXT,
    TerminationDate TEXT,
    IsFullRoster INTEGER,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (ProviderID, LocationID)
);
CREATE INDEX Providers_RowVersion ON Providers (RowVersion);
CREATE INDEX Providers_ModifiedDate ON Providers (ModifiedDate);
CREATE TRIGGER Providers_Inserted AFTER INSERT ON Providers BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Providers SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER Providers_Updated AFTER UPDATE ON Providers WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Providers SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE Eligibility (
    MemberID TEXT NOT NULL,
    PayerName TEXT NOT NULL,
    PlanName TEXT NOT NULL,
    CoverageType TEXT NOT NULL,
    CoverageStartDate TEXT NOT NULL,
    LineOfBusiness TEXT,
    CoverageEndDate TEXT,
    BirthDate TEXT,
    Sex TEXT,
    State TEXT,
    ZipCode TEXT,
    IsFullFile INTEGER,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (MemberID, PayerName, PlanName, CoverageType, CoverageStartDate)
);
CREATE INDEX Eligibility_RowVersion ON Eligibility (RowVersion);
CREATE INDEX Eligibility_ModifiedDate ON Eligibility (ModifiedDate);
CREATE TRIGGER Eligibility_Inserted AFTER INSERT ON Eligibility BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Eligibility SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER Eligibility_Updated AFTER UPDATE ON Eligibility WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE Eligibility SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;

CREATE TABLE DenialCodes (
    GroupCode TEXT NOT NULL DEFAULT '-',
    DenialCode TEXT NOT NULL,
    Carc TEXT,
    Description TEXT,
    Category TEXT,
    IsDenial INTEGER,
    IsPreventable INTEGER,
    ModifiedDate TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000', 'now')),
    RowVersion INTEGER,
    PRIMARY KEY (GroupCode, DenialCode)
);
CREATE INDEX DenialCodes_RowVersion ON DenialCodes (RowVersion);
CREATE INDEX DenialCodes_ModifiedDate ON DenialCodes (ModifiedDate);
CREATE TRIGGER DenialCodes_Inserted AFTER INSERT ON DenialCodes BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE DenialCodes SET RowVersion = (SELECT Value FROM ChangeCounter) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER DenialCodes_Updated AFTER UPDATE ON DenialCodes WHEN NEW.RowVersion IS OLD.RowVersion BEGIN
    UPDATE ChangeCounter SET Value = Value + 1;
    UPDATE DenialCodes SET
        RowVersion = (SELECT Value FROM ChangeCounter),
        ModifiedDate = CASE WHEN NEW.ModifiedDate IS OLD.ModifiedDate
            THEN strftime('%Y-%m-%dT%H:%M:%f000', 'now') ELSE NEW.ModifiedDate END
    WHERE rowid = NEW.rowid;
END;
