"""Numbers as people read them: no more digits than the interval supports."""

from __future__ import annotations

import math

#: Shown where there is no number; a reason stands beside it.
NOTHING = "—"


def decimals(half_width: float, digits: int = 2) -> int:
    """Return how many decimals show `half_width` with so many significant digits."""
    exponent = math.floor(math.log10(half_width))
    # 0.0996 with two digits is 0.10: rounding moves it up a decade.
    rounded = round(half_width, digits - 1 - exponent)
    exponent = math.floor(math.log10(rounded))
    return max(0, digits - 1 - exponent)


def plain(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits; a dash for None."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0.0 and not 1e-4 <= abs(value) < 1e7:
        return _minus(f"{value:.{digits - 1}e}")
    text = f"{value:.{digits}g}"
    return _minus(f"{value:.0f}" if "e" in text else text)


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return ``value [low, high]``, rounded to two digits of the interval's half-width."""
    if value is None:
        return NOTHING
    if low is None or high is None:
        return plain(value)
    finite = [abs(end - value) for end in (low, high) if math.isfinite(end) and end != value]
    if not finite:
        same = math.isfinite(low) and math.isfinite(high)
        return plain(value) if same else f"{plain(value)} [{plain(low)}, {plain(high)}]"
    both = math.isfinite(low) and math.isfinite(high)
    half = (high - low) / 2 if both else min(finite)
    if not 1e-6 <= half < 1e6:
        return f"{plain(value)} [{plain(low)}, {plain(high)}]"
    places = decimals(half)
    return f"{_fixed(value, places)} [{_fixed(low, places)}, {_fixed(high, places)}]"


def limit_text(op: str, limit: float | str | None, unit: str) -> str:
    """Return a limit with its operator and unit, e.g. ``≤ 5 mmag``."""
    if limit is None:
        return NOTHING
    sign = {"<=": "≤", ">=": "≥", "==": "="}.get(op, op)
    number = limit if isinstance(limit, str) else plain(limit)
    return f"{sign} {number} {unit}".rstrip()


def _fixed(value: float, places: int) -> str:
    """Return a number with fixed decimals; infinity as its sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _minus(f"{value:.{places}f}")


def _minus(text: str) -> str:
    """Return the text with a real minus sign in front; none on a zero."""
    if not text.startswith("-"):
        return text
    is_zero = not any(character in text for character in "123456789")
    return text[1:] if is_zero else "−" + text[1:]
