"""The two kinds of plots: bars in groups with the floor marked, and curves in panels."""

import typing

import report.svg as svg
from report.numbers import figure, plain, round_figure
from report.rows import is_floor, is_ours

WIDTH = 860
TOP = 66
BAR = 12
ROW = 17  # from bar to bar
GROUP_GAP = 13
LABELS = 285  # where bars begin: groups' and bars' names are left of it
VALUES = 190  # right of the longest bar: what it is
# From this spread on, bars that began at zero would be invisible.
LOGARITHMIC_FROM = 12


class Bar(typing.NamedTuple):
    name: str
    value: float
    low: float  # quartiles
    high: float
    times: float | None = None  # its floor, the median of the rounds


class Group(typing.NamedTuple):
    """Bars of one measure, and its floor: None where it has none."""
    label: str  # behind a newline: what stands small below it
    bars: list
    floor: float | None
    floor_name: str = "floor"


def axis_of(values, start, end, logarithmic=False):
    positive = [v for v in values if v > 0]
    if logarithmic or positive and max(positive) > LOGARITHMIC_FROM * min(positive):
        return svg.Log(positive, start, end)
    return svg.Linear(values, start, end)


def bars(title, subtitle, groups, metric, logarithmic=False):
    """Groups of horizontal bars. A line across a group is its floor; each bar says its value and
    how many times the floor that is."""
    height = TOP + sum(len(g.bars) * ROW + GROUP_GAP for g in groups) + 44
    drawing = svg.Drawing(WIDTH, height, title, subtitle)
    values = [v for g in groups for b in g.bars for v in (b.value, b.low, b.high)]
    values += [g.floor for g in groups if g.floor]
    axis = axis_of(values, LABELS, WIDTH - VALUES, logarithmic)
    bottom = height - 40
    for tick in axis.ticks():
        drawing.line(axis.at(tick), TOP - 4, axis.at(tick), bottom)
        drawing.text(axis.at(tick), bottom + 16, round_figure(tick, metric), "tick", "middle")
    kind = "logarithmic" if isinstance(axis, svg.Log) else "from zero"
    drawing.text((LABELS + WIDTH - VALUES) / 2, height - 8,
                 f"{kind}; shorter is better; thin lines: quartiles of the rounds", "tick",
                 "middle")
    top = TOP
    for group in groups:
        top = draw_group(drawing, axis, group, metric, top)
    return drawing.svg()


def draw_group(drawing, axis, group, metric, top):
    label, _, more = group.label.partition("\n")
    drawing.text(20, top + 10, label, "strong")
    drawing.text(20, top + 10 + ROW, more)
    bottom = top + len(group.bars) * ROW - (ROW - BAR)
    for number, bar in enumerate(group.bars):
        draw_bar(drawing, axis, group, bar, metric, top + number * ROW)
    if group.floor:
        drawing.line(axis.at(group.floor), top - 4, axis.at(group.floor), bottom + 4, "mark", 2)
    return bottom + (ROW - BAR) + GROUP_GAP


def draw_bar(drawing, axis, group, bar, metric, y):
    drawing.text(LABELS - 8, y + 10, bar.name, "value" if is_ours(bar.name) else "soft", "end")
    end = axis.at(bar.value) if bar.value > 0 else axis.start
    drawing.bar(axis.start, y, end - axis.start, BAR, svg.colour(bar.name))
    if 0 < bar.low < bar.high:
        middle = y + BAR / 2
        drawing.line(axis.at(bar.low), middle, axis.at(bar.high), middle, "mark", 1)
        end = max(end, axis.at(bar.high))
    if group.floor:
        end = max(end, axis.at(group.floor))
    times = ""
    if bar.times is not None and not is_floor(bar.name):
        times = f" · {plain(bar.times)} × {group.floor_name}"
    drawing.text(end + 7, y + 10, figure(bar.value, metric) + times,
                 "strong" if is_ours(bar.name) else "soft")


class Panel(typing.NamedTuple):
    """Curves over one pair of axes: {name: [(x, y)]}."""
    title: str
    curves: dict


class Scale(typing.NamedTuple):
    """What the panels of a plot share: texts at the axes, and how x and y are placed."""
    x_label: str
    metric: str  # of y
    x_ticks: dict | None = None  # {x: text}, evenly placed; None: logarithmic, by value
    logarithmic: bool = False  # y; else where the spread asks for it


NAME = 7.2  # a letter of a curve's name, right of its panel
PANEL_HEIGHT = 250


def curves(title, subtitle, panels, scale):
    """Panels in two columns, or a wide one; each curve is named at its end."""
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    drawing = svg.Drawing(WIDTH, TOP + lines * (PANEL_HEIGHT + 68), title, subtitle)
    wide = (WIDTH - 40) / columns
    names = 34 + NAME * max(len(name) for panel in panels for name in panel.curves)
    for number, panel in enumerate(panels):
        left = 20 + (number % columns) * wide
        top = TOP + number // columns * (PANEL_HEIGHT + 68)
        area = (left + 58, top + 22, left + wide - names, top + 22 + PANEL_HEIGHT)
        draw_panel(drawing, panel, scale, area)
    return drawing.svg()


def x_places(panel, scale, left, right):
    """(place of x, [(x, text)])"""
    xs = sorted({x for points in panel.curves.values() for x, _ in points})
    if scale.x_ticks is not None:
        xs = list(scale.x_ticks)
        step = (right - left - 30) / max(1, len(xs) - 1)
        return lambda x: left + 15 + xs.index(x) * step, list(scale.x_ticks.items())
    if len(xs) == 1:
        return lambda x: (left + right) / 2, [(xs[0], f"{xs[0]:,}")]
    axis = svg.Log(xs, left + 15, right - 15, exact=True)
    return axis.at, [(x, f"{x:,}") for x in xs]


def draw_panel(drawing, panel, scale, area):
    left, top, right, bottom = area
    drawing.text(left, top - 8, panel.title, "strong")
    place, x_ticks = x_places(panel, scale, left, right)
    axis = axis_of([y for points in panel.curves.values() for _, y in points], bottom, top,
                   scale.logarithmic)
    for tick in axis.ticks():
        drawing.line(left, axis.at(tick), right, axis.at(tick))
        drawing.text(left - 6, axis.at(tick) + 4, round_figure(tick, scale.metric), "tick", "end")
    drawing.line(left, bottom, right, bottom, "axis")
    for x, words in x_ticks:
        drawing.line(place(x), bottom, place(x), bottom + 4, "axis")
        drawing.text(place(x), bottom + 18, words, "tick", "middle")
    drawing.text((left + right) / 2, bottom + 36, scale.x_label, "tick", "middle")
    ends = []
    for name, points in panel.curves.items():
        placed = [(place(x), axis.at(y)) for x, y in points]
        floor = is_floor(name)
        drawing.path(placed, svg.colour(name), "5 4" if floor else "")
        for x, y in placed:
            drawing.point(x, y, svg.colour(name), hollow=floor)
        ends.append((placed[-1], name))
    name_ends(drawing, ends, right + 14, top, bottom)


def name_ends(drawing, ends, x, top, bottom):
    """The curves' names beside their ends, pushed apart where they would overlap."""
    ends.sort(key=lambda end: end[0][1])
    places = []
    for (_, y), _ in ends:
        places.append(max(y, places[-1] + 15 if places else top))
    over = places[-1] - bottom
    if over > 0:
        for number in range(len(places) - 1, -1, -1):
            limit = bottom - 15 * (len(places) - 1 - number)
            places[number] = min(places[number], limit)
    for ((end_x, y), name), place in zip(ends, places):
        drawing.line(end_x + 5, y, x - 2, place, "axis", 0.7)
        drawing.bar(x, place - 4, 8, 8, svg.colour(name))
        drawing.text(x + 13, place + 4, name, "strong" if is_ours(name) else "soft")
