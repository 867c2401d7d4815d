"""How figures are written: three digits that mean something, and the unit that suits them."""

import report.rows as rows_of

# (unit's size, its name), from the largest; each is used from its size on.
SCALES = {
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")),
    "µs": ((1e6, "s"), (1e3, "ms"), (1, "µs")),
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((1024 ** 3, "GiB"), (1024 ** 2, "MiB"), (1024, "KiB"), (1, "B")),
}
# Bytes are counted one by one up to here: budgets are in bytes.
WHOLE_BYTES = 10 * 1024


def plain(value):
    """About three digits: 0.040, 1.23, 45.6, 789, 12,345."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    decimals = 1 if size >= 9.995 else 2 if size >= 0.0995 else 3 if size >= 0.00995 else 4
    return f"{value:.{decimals}f}"


def scaled(value, unit):
    """(number, unit) as a reader wants it."""
    if unit == "B" and value < WHOLE_BYTES:
        return plain(value), unit
    for size, name in SCALES.get(unit, ()):
        if value >= size * 0.9995:
            return plain(value / size), name
    return plain(value), unit


def round_figure(value, metric):
    """That of a round number: `10 µs`, `0.5 s`."""
    text = figure(value, metric)
    number, space, unit = text.partition(" ")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return number + space + unit


def figure(value, metric):
    number, unit = scaled(value, rows_of.METRICS[metric][1])
    return f"{number}/s" if unit == "1/s" else f"{number} {unit}".rstrip()
