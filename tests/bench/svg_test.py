"""The plots: well-formed, in their bounds, with axes that say what they show."""

import re
import unittest
import xml.etree.ElementTree as ET

import samples

from report import charts, numbers, plots, svg

SVG = "{http://www.w3.org/2000/svg}"


class Axes(unittest.TestCase):
    def test_a_decade_is_a_decade(self):
        axis = svg.Log([3, 30000], 0, 500)
        self.assertLessEqual(axis.low, 3)
        self.assertGreaterEqual(axis.high, 30000)
        steps = [axis.at(10 ** (n + 1)) - axis.at(10 ** n) for n in range(1, 4)]
        self.assertAlmostEqual(min(steps), max(steps))
        self.assertAlmostEqual(axis.at(axis.low), 0)
        self.assertAlmostEqual(axis.at(axis.high), 500)
        self.assertEqual([round(t) for t in axis.ticks()], [10, 100, 1000, 10000])

    def test_few_decades_have_more_ticks(self):
        self.assertEqual([round(t) for t in svg.Log([12, 90], 0, 1).ticks()], [5, 10, 20, 50, 100])
        for values in ([1], [1, 1], [0.003, 0.0031], [9.99, 10.01], [1e-9, 1e9]):
            ticks = svg.Log(values, 0, 1).ticks()
            self.assertGreaterEqual(len(ticks), 2, values)
            self.assertLessEqual(len(ticks), 20, values)

    def test_linear(self):
        axis = svg.Linear([3, 14], 0, 100)
        self.assertEqual(axis.at(0), 0)
        self.assertGreaterEqual(axis.high, 14)
        self.assertEqual(axis.ticks()[0], 0)
        self.assertEqual(svg.Linear([0, 0], 0, 100).at(0), 0)

    def test_what_is_no_number_has_no_place(self):
        for axis in (svg.Log, svg.Linear):
            for values in ([], [float("nan")], [float("inf"), 1], [-1]):
                with self.assertRaises(ValueError):
                    axis(values, 0, 1)
        self.assertRaises(ValueError, svg.Log, [0], 0, 1)
        self.assertRaises(ValueError, svg.Log([1], 0, 1).at, 0)
        self.assertRaises(ValueError, svg.coordinate, float("nan"))


class Drawings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.drawn = plots.draw(samples.everything())

    def test_every_plot_is_drawn(self):
        self.assertEqual(set(self.drawn), set(plots.PLOTS))
        self.assertLessEqual(set(plots.PUBLISHED), set(plots.PLOTS))

    def test_nothing_is_drawn_of_nothing(self):
        self.assertEqual(plots.draw(samples.results()), {})

    def test_well_formed_and_of_numbers(self):
        for name, text in self.drawn.items():
            root = ET.fromstring(text)
            self.assertEqual(root.tag, SVG + "svg", name)
            self.assertIsNone(re.search(r"\bnan\b|\binf\b|None", text), name)
            titles = [t.text for t in root.iter(SVG + "text") if t.get("class") == "title"]
            self.assertEqual(len(titles), 1, name)

    def test_everything_is_on_the_card(self):
        for name, text in self.drawn.items():
            root = ET.fromstring(text)
            width, height = float(root.get("width")), float(root.get("height"))
            for element in root.iter():
                for key in ("x", "x1", "x2", "cx"):
                    self.assertTrue(0 <= float(element.get(key, 0)) <= width, (name, key))
                for key in ("y", "y1", "y2", "cy"):
                    self.assertTrue(0 <= float(element.get(key, 0)) <= height, (name, key))

    def test_texts_do_not_overlap(self):
        """By a generous guess of how wide letters are."""
        for name, text in self.drawn.items():
            boxes = []
            for element in ET.fromstring(text).iter(SVG + "text"):
                wide = 6.1 * len(element.text) * (1.33 if element.get("class") == "title" else 1)
                x = float(element.get("x"))
                x -= {"end": wide, "middle": wide / 2}.get(element.get("text-anchor"), 0)
                boxes.append((x, float(element.get("y")), wide, element.text))
            for i, (x, y, wide, words) in enumerate(boxes):
                for other_x, other_y, other_wide, other in boxes[:i]:
                    apart = abs(y - other_y) >= 11 or x + wide <= other_x \
                        or other_x + other_wide <= x
                    self.assertTrue(apart, f"{name}: {words!r} and {other!r}")

    def test_the_floor_is_marked_where_it_is(self):
        made = samples.results(("yield", "eddy", "ns", [20.0]), ("yield", "floor", "ns", [10.0]))
        root = ET.fromstring(plots.draw(made)["steps.svg"])
        marks = [m for m in root.iter(SVG + "line")
                 if m.get("class") == "mark" and m.get("stroke-width") == "2"]
        self.assertEqual(len(marks), 1)
        axis = charts.axis_of([10.0, 20.0], charts.LABELS, charts.WIDTH - charts.VALUES, True)
        self.assertAlmostEqual(float(marks[0].get("x1")), axis.at(10.0), places=0)
        words = [t.text for t in root.iter(SVG + "text")]
        self.assertIn("20.0 ns · 2.00 × floor", words)
        self.assertIn("10.0 ns", words)

    def test_names_are_escaped(self):
        made = samples.results(("a<b&c", "eddy", "ns", [1.0]))
        self.assertIn("a<b&c", [t.text for t in ET.fromstring(
            plots.draw(made)["more_steps.svg"]).iter(SVG + "text")])

    def test_zero_has_no_bar_and_no_error(self):
        made = samples.results(("idle/1000", "eddy", "bytes", [0]),
                               ("idle/1000", "asio", "bytes", [5000]))
        self.assertIn("0 B", plots.draw(made)["memory.svg"])


class Numbers(unittest.TestCase):
    def test_figures(self):
        for value, metric, words in ((12.34, "ns", "12.3 ns"), (13400, "ns", "13.4 µs"),
                                     (999.9, "ns", "1.00 µs"), (0, "ns", "0 ns"),
                                     (0.08, "seconds", "80.0 ms"), (4.3, "seconds", "4.30 s"),
                                     (8549, "bytes", "8,549 B"), (25000, "bytes", "24.4 KiB"),
                                     (2.04, "syscalls", "2.04"), (0.004, "syscalls", "0.0040"),
                                     (31416, "lines", "31,416"),
                                     (1234, "requests_per_s", "1,234/s")):
            self.assertEqual(numbers.figure(value, metric), words)

    def test_round_figures(self):
        for value, metric, words in ((10, "ns", "10 ns"), (0.5, "ns", "0.5 ns"),
                                     (2e5, "ns", "200 µs"), (64, "bytes", "64 B"),
                                     (16384, "bytes", "16 KiB"), (0, "ns", "0 ns")):
            self.assertEqual(numbers.round_figure(value, metric), words)

    def test_every_metric_has_words(self):
        for metric in plots.rows_of.METRICS:
            self.assertTrue(re.search(r"\d", numbers.figure(5, metric)))


if __name__ == "__main__":
    unittest.main()
