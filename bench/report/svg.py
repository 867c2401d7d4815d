"""A small writer of SVG: elements, axes, and a card to draw them on.

A drawing stands on a card of its own, light or dark as the reader's system is, so that its text is
readable wherever it is shown. Colours are Okabe and Ito's, which the colour-blind can tell apart;
nothing is told by colour alone.
"""

import html
import math

COLOURS = {
    "eddy": "#0072b2", "eddy-epoll": "#0072b2", "eddy-io_uring": "#56b4e9",
    "threads": "#d55e00", "asio": "#e69f00", "libuv": "#009e73", "libcurl": "#cc79a7",
    "wrk": "#8c6d31", "floor": "#767f8a", "floor-epoll": "#767f8a", "floor-io_uring": "#a5adb6",
}
OTHER_COLOURS = ("#d55e00", "#cc79a7", "#8c6d31", "#6a51a3")
STYLE = """\
text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-size:12px}
.card{fill:#ffffff;stroke:#d5dae0}.title{font-size:16px;font-weight:600}
.title,.strong,.value{fill:#1c2530}.strong{font-weight:600}.soft,.tick{fill:#5b6672}
.tick{font-size:11px}.grid{stroke:#e6e9ed}.axis{stroke:#9aa4af}.mark{stroke:#1c2530}
@media (prefers-color-scheme:dark){.card{fill:#12181f;stroke:#2d3742}
.title,.strong,.value{fill:#e8edf2}.soft,.tick{fill:#9aa7b4}.grid{stroke:#242d37}
.axis{stroke:#5b6672}.mark{stroke:#e8edf2}}
"""


def colour(implementation):
    """That of the longest known beginning: `threads-50` has that of `threads`."""
    parts = implementation.split("-")
    for length in range(len(parts), 0, -1):
        if "-".join(parts[:length]) in COLOURS:
            return COLOURS["-".join(parts[:length])]
    return OTHER_COLOURS[sum(map(ord, implementation)) % len(OTHER_COLOURS)]


def coordinate(value):
    if not math.isfinite(value):
        raise ValueError(f"{value} is no place on a drawing")
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    """Elements in pixels from the upper left; `svg()` is the whole file."""

    def __init__(self, width, height, title, subtitle=""):
        self.width, self.height = width, height
        self.elements = [f'<rect class="card" x="0.5" y="0.5" width="{coordinate(width - 1)}" '
                         f'height="{coordinate(height - 1)}" rx="6"/>']
        self.title = title
        self.text(20, 30, title, "title")
        self.text(20, 49, subtitle, "soft")

    def text(self, x, y, words, kind="soft", anchor="start"):
        if words:
            self.elements.append(
                f'<text class="{kind}" x="{coordinate(x)}" y="{coordinate(y)}" '
                f'text-anchor="{anchor}">{html.escape(words, quote=False)}</text>')

    def line(self, x1, y1, x2, y2, kind="grid", width=1.0, dashes=""):
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.elements.append(
            f'<line class="{kind}" x1="{coordinate(x1)}" y1="{coordinate(y1)}" '
            f'x2="{coordinate(x2)}" y2="{coordinate(y2)}" stroke-width="{width:g}"{dashed}/>')

    def bar(self, x, y, width, height, fill, opacity=1.0):
        self.elements.append(
            f'<rect x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(max(width, 0.5))}" '
            f'height="{coordinate(height)}" rx="1.5" fill="{fill}" fill-opacity="{opacity:g}"/>')

    def path(self, points, stroke, dashes=""):
        steps = " ".join(f"{'L' if i else 'M'}{coordinate(x)} {coordinate(y)}"
                         for i, (x, y) in enumerate(points))
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.elements.append(f'<path d="{steps}" fill="none" stroke="{stroke}" stroke-width="2" '
                             f'stroke-linejoin="round"{dashed}/>')

    def point(self, x, y, fill, hollow=False):
        inside = "none" if hollow else fill
        self.elements.append(f'<circle cx="{coordinate(x)}" cy="{coordinate(y)}" r="3.5" '
                             f'fill="{inside}" stroke="{fill}" stroke-width="1.5"/>')

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" '
                f'height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}" '
                f'role="img" aria-label="{html.escape(self.title)}">\n'
                f"<style>{STYLE}</style>\n" + "\n".join(self.elements) + "\n</svg>\n")


class Log:
    """Places of positive values between two pixels, each decade as long as the other."""

    def __init__(self, values, start, end, exact=False):
        """`exact`: from the smallest value to the largest; else from one round number to one."""
        if not values or min(values) <= 0 or not all(map(math.isfinite, values)):
            raise ValueError(f"a logarithmic axis holds positive numbers, not {values!r:.80}")
        low, high = min(values), max(values)
        if not exact:
            low = nice_below(low * 0.8)
            high = max(nice_above(high), low * 10)
        self.low, self.high = low, high
        self.start, self.end = start, end

    def at(self, value):
        if not math.isfinite(value) or value <= 0:
            raise ValueError(f"{value} has no place on a logarithmic axis")
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        """Decades; where there are few, twice and five times them, too."""
        decades = math.log10(self.high / self.low)
        factors = (1, 2, 5) if decades < 2.5 else (1,)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = [factor * 10.0 ** n for n in range(first, last + 1) for factor in factors]
        return [t for t in every if self.low * 0.999 <= t <= self.high * 1.001]


class Linear:
    """Places of values from zero on."""

    def __init__(self, values, start, end):
        if not values or min(values) < 0 or not all(map(math.isfinite, values)):
            raise ValueError(f"an axis from zero holds no {values!r:.80}")
        self.step = nice_above(max(values) / 5) if max(values) else 1.0
        self.high = self.step * max(1, math.ceil(max(values) / self.step - 1e-9))
        self.start, self.end = start, end

    def at(self, value):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place on an axis")
        return self.start + value / self.high * (self.end - self.start)

    def ticks(self):
        return [self.step * n for n in range(round(self.high / self.step) + 1)]


def nice_below(value):
    """The largest of 1, 2, 5 times a power of ten that is not above."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= value * 1.0001)


def nice_above(value):
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.9999)
