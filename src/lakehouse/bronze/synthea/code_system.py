"""Which code system a procedure code is from, told by its digits: Synthea sends SNOMED CT, RxNorm and CVX unnamed."""

from pyspark.sql import Column
from pyspark.sql import functions as F

CVX = r"^\d{2,3}\z"  # vaccines; short codes are padded to two digits
RXNORM = r"^\d{4,8}\z"
# SNOMED CT identifiers: 6 to 18 digits, `00` or `10` (a concept) before the last one, which is a Verhoeff check digit.
SNOMED = r"^\d{3,15}(00|10)\d\z"


def _product(left: int, right: int) -> int:
    """Verhoeff's multiplication of digits: that of the symmetries of a pentagon, 0-4 rotations and 5-9 reflections."""
    turned = left + right % 5 if left < 5 else left - right
    return turned % 5 + (5 if (left < 5) != (right < 5) else 0)


def _permutations() -> list[int]:
    """Verhoeff's permutation of the ten digits, applied 0 to 7 times, one after the other."""
    once = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    rows = [list(range(10))]
    for _ in range(7):
        rows.append([once[digit] for digit in rows[-1]])
    return [digit for row in rows for digit in row]


PRODUCTS = tuple(_product(left, right) for left in range(10) for right in range(10))
PERMUTATIONS = tuple(_permutations())


def has_check_digit(number: Column) -> Column:
    """true when the last digit of a text of digits is the Verhoeff check digit of the others."""
    products, permutations = F.lit(list(PRODUCTS)), F.lit(list(PERMUTATIONS))
    from_the_right = F.reverse(number)

    def add_digit(sum_so_far: Column, position: Column) -> Column:
        digit = from_the_right.substr(position + 1, F.lit(1)).try_cast("int")
        return F.get(products, sum_so_far * 10 + F.get(permutations, position % 8 * 10 + digit))

    positions = F.sequence(F.lit(0), F.length(number) - 1)
    return F.aggregate(positions, F.lit(0), add_digit).eqNullSafe(0)


def code_system(code: Column) -> Column:
    """cvx, snomed, rxnorm or other; null without a code.

    A number without the shape and check digit of a SNOMED CT concept is none, so it is RxNorm. The other way round it
    is a rule of thumb: about two in a thousand RxNorm numbers look like a concept by chance and count as one.
    """
    return (
        F.when(code.rlike(CVX), "cvx")
        .when(code.rlike(SNOMED) & has_check_digit(code), "snomed")
        .when(code.rlike(RXNORM), "rxnorm")
        .when(code.isNotNull(), "other")
    )
