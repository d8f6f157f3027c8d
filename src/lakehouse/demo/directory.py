"""The invented world of the network: payers, providers, members. Nobody in it exists."""

import random
from dataclasses import dataclass
from datetime import date
from typing import Final

# Every payer name the network sends, with the standard payer it stands for.
PAYER_NAMES: Final[tuple[tuple[str, str], ...]] = (
    ("Medicare", "MEDICARE"),
    ("Medicare Part B", "MEDICARE"),
    ("Medicaid", "MEDICAID"),
    ("MEDICAID", "MEDICAID"),
    ("Blue Cross Blue Shield of MA", "BCBS"),
    ("Blue Cross Blue Shield", "BCBS"),
    ("BCBS", "BCBS"),
    ("AETNA", "AETNA"),
    ("Aetna Inc", "AETNA"),
    ("Cigna Health", "CIGNA"),
    ("Cigna", "CIGNA"),
    ("UnitedHealthcare", "UHC"),
    ("United Healthcare", "UHC"),
    ("UHC", "UHC"),
    ("Anthem", "OTHER"),
    ("Humana", "OTHER"),
    ("Self Pay", "OTHER"),
    ("", "OTHER"),
)
PAYER_WEIGHTS: Final = {"MEDICARE": 22, "MEDICAID": 16, "BCBS": 18, "AETNA": 12, "CIGNA": 10, "UHC": 14, "OTHER": 8}
SPECIALTIES: Final = (
    ("207Q00000X", "Family Medicine"),
    ("207R00000X", "Internal Medicine"),
    ("208000000X", "Pediatrics"),
    ("207RC0000X", "Cardiology"),
    ("2085R0202X", "Diagnostic Radiology"),
)
STATES: Final = ("MA", "NH", "RI", "CT")
FAMILY_NAMES: Final = ("Ashgrove", "Brinewell", "Coldharbour", "Dunmarsh", "Eastquay", "Fenlock", "Gullrest")
INDIVIDUALS: Final = 20
ORGANIZATIONS: Final = 5


@dataclass(frozen=True)
class Provider:
    """One provider of the roster."""

    provider_id: str
    npi: str
    name: str
    is_organization: bool
    taxonomy_code: str
    specialty: str
    state: str


@dataclass(frozen=True)
class Member:
    """One insured person."""

    member_id: str
    payer_code: str
    payer_name: str
    birth_date: date
    sex: str
    state: str
    zip_code: str
    covered_from: date


@dataclass(frozen=True)
class Directory:
    """All providers and members of one seed; the same for every day."""

    providers: tuple[Provider, ...]
    members: tuple[Member, ...]

    @property
    def individuals(self) -> tuple[Provider, ...]:
        """Providers who are persons."""
        return self.providers[:INDIVIDUALS]

    @property
    def organizations(self) -> tuple[Provider, ...]:
        """Providers that are organizations; they bill."""
        return self.providers[INDIVIDUALS:]


def npi_with_check_digit(body: str) -> str:
    """The ten-digit NPI of nine digits: Luhn check digit over `80840` and the body."""
    total = 0
    for position, digit in enumerate(reversed("80840" + body)):
        number = int(digit) * (2 if position % 2 == 0 else 1)
        total += number // 10 + number % 10
    return f"{body}{-total % 10}"


def payer_names(payer_code: str) -> list[str]:
    """Names under which an insurer with this standard payer is sent; never blank or self pay."""
    return [name for name, code in PAYER_NAMES if code == payer_code and name not in {"", "Self Pay"}]


def build_directory(seed: int, member_count: int, place: str = "Harbor") -> Directory:
    """Providers and members drawn from the seed; the first members stay the same when `member_count` grows.

    Args:
        seed: of the network.
        member_count: how many members.
        place: part of the hospitals' names; its first letter begins every identifier.
    """
    rng = random.Random(f"{seed}/providers")
    bodies = rng.sample(range(1_000_000), INDIVIDUALS + ORGANIZATIONS)
    providers = tuple(_provider(rng, index, body, place) for index, body in enumerate(bodies))
    members_rng = random.Random(f"{seed}/members")
    return Directory(providers, tuple(_member(members_rng, index, place[0]) for index in range(member_count)))


def _provider(rng: random.Random, index: int, body: int, place: str) -> Provider:
    is_organization = index >= INDIVIDUALS
    taxonomy_code, specialty = ("282N00000X", "General Hospital") if is_organization else rng.choice(SPECIALTIES)
    family_name = rng.choice(FAMILY_NAMES)
    name = f"{family_name} {place} Hospital {index}" if is_organization else f"{family_name}, Test {index}"
    # NPIs that start with 2 are valid in form and were never issued: nobody real can be meant.
    npi = npi_with_check_digit(f"200{body:06d}")
    provider_id = f"{place[0]}P{index + 1:04d}"
    return Provider(provider_id, npi, name, is_organization, taxonomy_code, specialty, rng.choice(STATES))


def _member(rng: random.Random, index: int, initial: str) -> Member:
    payer_code = rng.choices(list(PAYER_WEIGHTS), list(PAYER_WEIGHTS.values()))[0]
    birth_date = date(rng.randrange(1935, 2020), rng.randrange(1, 13), rng.randrange(1, 29))
    covered_from = date(rng.choice((2022, 2023, 2024)), rng.randrange(1, 13), 1)
    return Member(
        f"{initial}M{index * 37 + 10_000_019:08d}", payer_code, payer_names(payer_code)[0], birth_date,
        rng.choice("FM"), rng.choice(STATES), f"0{rng.randrange(1001, 6999):04d}", covered_from,
    )  # fmt: skip


def line_of_business(payer_code: str) -> str:
    """Line of business of a standard payer: medicare, medicaid or commercial."""
    return payer_code.lower() if payer_code in {"MEDICARE", "MEDICAID"} else "commercial"
