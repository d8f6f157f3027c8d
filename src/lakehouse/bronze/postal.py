"""Addresses as samples and exports write them: states by name, ZIPs that have lost their leading zero in places."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.columns import blank_to_null, clean_code

# USPS abbreviations of the states, the District of Columbia and the territories, by name in upper case.
STATE_CODES = {
    "ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA", "COLORADO": "CO",
    "CONNECTICUT": "CT", "DELAWARE": "DE", "DISTRICT OF COLUMBIA": "DC", "FLORIDA": "FL", "GEORGIA": "GA",
    "HAWAII": "HI", "IDAHO": "ID", "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS", "KENTUCKY": "KY",
    "LOUISIANA": "LA", "MAINE": "ME", "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN",
    "MISSISSIPPI": "MS", "MISSOURI": "MO", "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV", "NEW HAMPSHIRE": "NH",
    "NEW JERSEY": "NJ", "NEW MEXICO": "NM", "NEW YORK": "NY", "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND",
    "OHIO": "OH", "OKLAHOMA": "OK", "OREGON": "OR", "PENNSYLVANIA": "PA", "PUERTO RICO": "PR", "RHODE ISLAND": "RI",
    "SOUTH CAROLINA": "SC", "SOUTH DAKOTA": "SD", "TENNESSEE": "TN", "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT",
    "VIRGINIA": "VA", "WASHINGTON": "WA", "WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY",
    "AMERICAN SAMOA": "AS", "GUAM": "GU", "NORTHERN MARIANA ISLANDS": "MP", "VIRGIN ISLANDS": "VI",
    "U.S. VIRGIN ISLANDS": "VI", "UNITED STATES VIRGIN ISLANDS": "VI",
}  # fmt: skip


def state_code(state: Column) -> Column:
    """Two-letter code of a state or territory given by code or by name; null for anything else."""
    text = clean_code(state)
    by_name = F.create_map(*[F.lit(part) for pair in STATE_CODES.items() for part in pair])
    return F.when(text.rlike(r"^[A-Z]{2}\z"), text).otherwise(F.try_element_at(by_name, text))


def full_zip(zip_code: Column) -> Column:
    """The ZIP with the leading zero that a number format cut off: `2155` is `02155`, `2139-4307` is `02139-4307`."""
    text = blank_to_null(zip_code)
    return F.when(text.rlike(r"^\d{4}(-\d{4})?\z"), F.concat(F.lit("0"), text)).otherwise(text)
