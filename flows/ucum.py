"""Measures in UCUM units, so that two of them can be compared: 10000 m and 50 km."""

import re
from collections import Counter
from decimal import Decimal

Dimension = frozenset[tuple[str, int]]
"""What is measured: the base units with their exponents."""

PREFIXES = {
    "": 0,
    "da": 1,
    "h": 2,
    "k": 3,
    "M": 6,
    "G": 9,
    "d": -1,
    "c": -2,
    "m": -3,
    "u": -6,
    "n": -9,
    "p": -12,
    "f": -15,
}
METRIC = {
    "m": ("1", {"m": 1}),
    "g": ("1", {"g": 1}),
    "s": ("1", {"s": 1}),
    "L": ("0.001", {"m": 3}),
    "l": ("0.001", {"m": 3}),
    "mol": ("1", {"mol": 1}),
    "eq": ("1", {"eq": 1}),
    "Pa": ("1000", {"g": 1, "m": -1, "s": -2}),
    "m[Hg]": ("133322000", {"g": 1, "m": -1, "s": -2}),
    "J": ("1000", {"g": 1, "m": 2, "s": -2}),
    "cal": ("4184", {"g": 1, "m": 2, "s": -2}),
    "W": ("1000", {"g": 1, "m": 2, "s": -3}),
    "Hz": ("1", {"s": -1}),
    "U": ("1", {"U": 1}),
    "[iU]": ("1", {"[iU]": 1}),
    "K": ("1", {"K": 1}),
}
OTHER = {
    "1": ("1", {}),
    "%": ("0.01", {}),
    "10*3": ("1000", {}),
    "10*6": ("1000000", {}),
    "10*9": ("1000000000", {}),
    "min": ("60", {"s": 1}),
    "h": ("3600", {"s": 1}),
    "d": ("86400", {"s": 1}),
    "wk": ("604800", {"s": 1}),
    "mo": ("2629800", {"s": 1}),
    "a": ("31557600", {"s": 1}),
    "[in_i]": ("0.0254", {"m": 1}),
    "[ft_i]": ("0.3048", {"m": 1}),
    "[yd_i]": ("0.9144", {"m": 1}),
    "[mi_i]": ("1609.344", {"m": 1}),
    "[lb_av]": ("453.59237", {"g": 1}),
    "[oz_av]": ("28.349523125", {"g": 1}),
    "[stone_av]": ("6350.29318", {"g": 1}),
    "[foz_us]": ("0.0000295735295625", {"m": 3}),
    "t": ("1000000", {"g": 1}),
}
"""Each unit with its size in base units. Source: UCUM 2.1."""

UNITS = {
    prefix + unit: (Decimal(size).scaleb(power), parts)
    for unit, (size, parts) in METRIC.items()
    for prefix, power in PREFIXES.items()
} | {unit: (Decimal(size), parts) for unit, (size, parts) in OTHER.items()}
TEMPERATURES = {"Cel": (Decimal("273.15"), Decimal(1)), "[degF]": (Decimal("459.67"), Decimal(5) / Decimal(9))}
"""Units whose zero is elsewhere: what is added, and then multiplied, for kelvin."""

_TERM = re.compile(r"(?P<sign>[./]?)(?P<unit>10\*[369]|(?:\[[^]\s]*\]|[A-Za-z%])+|1)(?P<power>-?[0-9])?")


def measured(value: Decimal, unit: str) -> tuple[Decimal, Dimension] | None:
    """A measure in base units, and what it measures; None for a unit that is not known here."""
    if unit in TEMPERATURES:
        added, factor = TEMPERATURES[unit]
        return (value + added) * factor, frozenset({("K", 1)})
    rest, dimension = re.sub(r"\{[^}]*\}", "", unit) or "1", Counter[str]()
    while rest:
        found = _TERM.match(rest)
        if found is None or found["unit"] not in UNITS:
            return None
        size, parts = UNITS[found["unit"]]
        power = int(found["power"] or 1) * (-1 if found["sign"] == "/" else 1)
        value *= size**power
        dimension.update({part: exponent * power for part, exponent in parts.items()})
        rest = rest[found.end() :]
    return value, frozenset((part, exponent) for part, exponent in dimension.items() if exponent)
