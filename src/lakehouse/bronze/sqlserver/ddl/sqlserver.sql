-- Tables of the adapter `sqlserver` on Microsoft SQL Server, run once by an owner of the database (sqlcmd).
--
-- RowVersion is set by the server at every insert and update. ModifiedDate is UTC (`sql.stamp_clock = "utc"`); an
-- application that updates a row sets it too. Change Tracking tells which keys were deleted: the retention must be
-- longer than the longest pause between two runs.
--
-- The login that reads needs no more than:
--     GRANT SELECT ON SCHEMA::dbo TO lakehouse_reader;
--     GRANT VIEW CHANGE TRACKING ON SCHEMA::dbo TO lakehouse_reader;

ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON;
ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 14 DAYS, AUTO_CLEANUP = ON);
GO

CREATE TABLE dbo.Claims (
    ClaimID varchar(80) NOT NULL,
    PayerControlNumber varchar(80),
    PatientControlNumber varchar(80),
    ReplacesClaimID varchar(80),
    FrequencyCode varchar(10),
    ClaimType varchar(20),
    MemberID varchar(80) NOT NULL,
    PayerName nvarchar(150),
    PayerID varchar(80),
    PlanName nvarchar(150),
    LineOfBusiness varchar(40),
    SecondaryPayerName nvarchar(150),
    BillingProviderID varchar(80),
    RenderingProviderID varchar(80),
    FacilityProviderID varchar(80),
    BillingNPI varchar(10),
    RenderingNPI varchar(10),
    FacilityNPI varchar(10),
    ServiceFromDate date NOT NULL,
    ServiceToDate date,
    AdmissionDate date,
    DischargeDate date,
    SubmittedDate date,
    ReceivedDate date,
    AdjudicatedDate date,
    ClosedDate date,
    IsClosed bit,
    AppealDate date,
    AppealOutcome varchar(20),
    BillTypeCode varchar(10),
    DRGCode varchar(10),
    DiagnosisCodes varchar(400),
    ClaimStatus varchar(40),
    PaymentArrangement varchar(40),
    MoneyLevel varchar(20),
    BilledAmount decimal(14,2),
    AllowedAmount decimal(14,2),
    PaidAmount decimal(14,2),
    PatientResponsibilityAmount decimal(14,2),
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT Claims_Key PRIMARY KEY (ClaimID)
);
CREATE INDEX Claims_RowVersion ON dbo.Claims (RowVersion);
CREATE INDEX Claims_ModifiedDate ON dbo.Claims (ModifiedDate);
ALTER TABLE dbo.Claims ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.ClaimLines (
    ClaimID varchar(80) NOT NULL,
    LineID varchar(80) NOT NULL,
    LineNumber int,
    ServiceFromDate date,
    ServiceToDate date,
    ProcedureCode varchar(20),
    ProcedureCodeSystem varchar(20),
    Modifiers varchar(40),
    RevenueCode varchar(10),
    PlaceOfServiceCode varchar(10),
    Units decimal(12,3),
    RenderingProviderID varchar(80),
    RenderingNPI varchar(10),
    BilledAmount decimal(14,2),
    AllowedAmount decimal(14,2),
    PaidAmount decimal(14,2),
    PatientResponsibilityAmount decimal(14,2),
    DenialCode varchar(20),
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT ClaimLines_Key PRIMARY KEY (ClaimID, LineID)
);
CREATE INDEX ClaimLines_RowVersion ON dbo.ClaimLines (RowVersion);
CREATE INDEX ClaimLines_ModifiedDate ON dbo.ClaimLines (ModifiedDate);
ALTER TABLE dbo.ClaimLines ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.Payments (
    PaymentID varchar(80) NOT NULL,
    RemittanceID varchar(80) NOT NULL,
    PaymentLevel varchar(20),
    PaymentKind varchar(20) NOT NULL,
    PayerSequence int,
    ClaimID varchar(80),
    LineID varchar(80),
    PayerName nvarchar(150),
    RemitStatusCode varchar(10),
    RemitDate date NOT NULL,
    TraceNumber varchar(80),
    ReversesRemittanceID varchar(80),
    BilledAmount decimal(14,2),
    AllowedAmount decimal(14,2),
    PaidAmount decimal(14,2),
    PatientResponsibilityAmount decimal(14,2),
    PatientPaidAmount decimal(14,2),
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT Payments_Key PRIMARY KEY (PaymentID)
);
CREATE INDEX Payments_RowVersion ON dbo.Payments (RowVersion);
CREATE INDEX Payments_ModifiedDate ON dbo.Payments (ModifiedDate);
ALTER TABLE dbo.Payments ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.PaymentAdjustments (
    PaymentID varchar(80) NOT NULL,
    AdjustmentID varchar(80) NOT NULL,
    GroupCode varchar(10),
    ReasonCode varchar(20),
    RemarkCode varchar(20),
    Amount decimal(14,2),
    Quantity decimal(12,3),
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT PaymentAdjustments_Key PRIMARY KEY (PaymentID, AdjustmentID)
);
CREATE INDEX PaymentAdjustments_RowVersion ON dbo.PaymentAdjustments (RowVersion);
CREATE INDEX PaymentAdjustments_ModifiedDate ON dbo.PaymentAdjustments (ModifiedDate);
ALTER TABLE dbo.PaymentAdjustments ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.Providers (
    ProviderID varchar(80) NOT NULL,
    LocationID varchar(80) NOT NULL DEFAULT 'MAIN',
    NPI varchar(10),
    EntityType varchar(20),
    ProviderName nvarchar(150),
    TIN varchar(10),
    TaxonomyCode varchar(10),
    Specialty nvarchar(150),
    State varchar(10),
    ZipCode varchar(10),
    EffectiveDate date,
    TerminationDate date,
    IsFullRoster bit,
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT Providers_Key PRIMARY KEY (ProviderID, LocationID)
);
CREATE INDEX Providers_RowVersion ON dbo.Providers (RowVersion);
CREATE INDEX Providers_ModifiedDate ON dbo.Providers (ModifiedDate);
ALTER TABLE dbo.Providers ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.Eligibility (
    MemberID varchar(80) NOT NULL,
    PayerName nvarchar(150) NOT NULL,
    PlanName nvarchar(150) NOT NULL,
    CoverageType varchar(40) NOT NULL,
    CoverageStartDate date NOT NULL,
    LineOfBusiness varchar(40),
    CoverageEndDate date,
    BirthDate date,
    Sex varchar(10),
    State varchar(10),
    ZipCode varchar(10),
    IsFullFile bit,
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT Eligibility_Key PRIMARY KEY (MemberID, PayerName, PlanName, CoverageType, CoverageStartDate)
);
CREATE INDEX Eligibility_RowVersion ON dbo.Eligibility (RowVersion);
CREATE INDEX Eligibility_ModifiedDate ON dbo.Eligibility (ModifiedDate);
ALTER TABLE dbo.Eligibility ENABLE CHANGE_TRACKING;
GO

CREATE TABLE dbo.DenialCodes (
    GroupCode varchar(10) NOT NULL DEFAULT '-',
    DenialCode varchar(20) NOT NULL,
    Carc varchar(20),
    Description nvarchar(400),
    Category varchar(40),
    IsDenial bit,
    IsPreventable bit,
    ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME(),
    RowVersion rowversion,
    CONSTRAINT DenialCodes_Key PRIMARY KEY (GroupCode, DenialCode)
);
CREATE INDEX DenialCodes_RowVersion ON dbo.DenialCodes (RowVersion);
CREATE INDEX DenialCodes_ModifiedDate ON dbo.DenialCodes (ModifiedDate);
ALTER TABLE dbo.DenialCodes ENABLE CHANGE_TRACKING;
GO
