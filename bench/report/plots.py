"""The plots of a run: {file name: SVG}. One whose figures are not there is not drawn."""

import re

import report.charts as charts
import report.rows as rows_of
from report.numbers import round_figure

# The plots that the README shows: `--publish` copies them to bench/plots/.
PUBLISHED = ("steps.svg", "echo_cpu.svg", "echo_latency.svg", "http_cpu.svg", "memory.svg",
             "cost_timers.svg", "cost_connections.svg", "crawl.svg")

STEPS = {
    "spawn_join": "spawn and join", "yield": "yield", "chain10": "ten nested awaits",
    "semaphore_uncontended": "semaphore, free", "semaphore_contended": "semaphore, 100 on 10",
    "queue_cap1": "queue of 1, an item", "queue_cap1024": "queue of 1,024, an item",
    "gather/10": "gather of 10", "gather/1000": "gather of 1,000",
    "with_timeout": "timeout that does not fire", "timer_arm_cancel/1000": "timer, 1,000 live",
    "timer_arm_cancel/1000000": "timer, 1,000,000 live", "cancel_join": "cancel and join",
    "cancel_join10": "the same through ten",
}
# What the bars of micro.svg leave out because they have a plot of their own.
NOT_MICRO = re.compile(r"(echo|http_get|http_get_own|http_pool|crawl|idle|compile|lines|sleepers)"
                       r"(/|$)")
PERCENTILES = {"p50_us": "50 %", "p90_us": "90 %", "p99_us": "99 %", "p999_us": "99.9 %"}


def group(results, measure, metric, label):
    """The bars of one measure: ours, the rivals, and the floor last; None without any value."""
    names = results.implementations(measure, metric)
    ours = [n for n in names if rows_of.is_ours(n)]
    if not ours:
        return None
    floor = results.floor_of(measure, ours[0], metric)
    value = floor and results.median(measure, floor, metric)
    found = []
    names = ours + [n for n in names if rows_of.is_rival(n)] + \
        [n for n in names if rows_of.is_floor(n)]
    for name in names:
        low, middle, high = rows_of.quartiles(results.values(measure, name, metric))
        ratios = results.ratios(measure, name, floor, metric) if value else []
        times = rows_of.quartiles(ratios)[1] if ratios else None
        found.append(charts.Bar(name, middle, low, high, times))
    return charts.Group(label, found, value or None, floor or "")


def bars(results, title, subtitle, labels, metric, logarithmic=False):
    groups = [group(results, measure, metric, label) for measure, label in labels.items()]
    groups = [g for g in groups if g and max(b.value for b in g.bars) > 0]
    return charts.bars(title, subtitle, groups, metric, logarithmic) if groups else None


def steps(results):
    return bars(results, "What a step of the loop costs",
                "time of one, beside threads, peers and the floor: the same by hand on bare "
                "coroutines", STEPS, "ns", True)


def other_steps(results):
    labels = {m: m for m in results.measures() if m not in STEPS and not NOT_MICRO.match(m)}
    return bars(results, "More of what the loop and HTTP do", "time of one", labels, "ns", True)


def echo_labels(results, wanted=r"echo/(\d+)/(\d+)B/(\d+)"):
    """{measure: label}, by bytes, requests in flight and connections."""
    shapes = {}
    for measure in results.measures():
        found = re.fullmatch(wanted, measure)
        if found:
            connections, size, flight = map(int, found.groups())
            label = f"{connections:,} × {round_figure(size, 'bytes')}"
            label += f"\n{flight} in flight on each" if flight > 1 else ""
            shapes[measure] = ((size, flight, connections), label)
    return {m: shapes[m][1] for m in sorted(shapes, key=lambda m: shapes[m][0])}


def echo_bars(results, title, labels):
    return bars(results, title, "connections × bytes of a request; the server on one core, a load "
                "in C on another", labels, "cpu_ns")


def echo_cpu(results):
    return echo_bars(results, "Echo server: CPU time per request",
                     echo_labels(results, r"echo/(50|1000)/(64)B/(\d+)"))


def echo_cpu_all(results):
    return echo_bars(results, "Echo server: CPU time per request, all shapes",
                     echo_labels(results))


def echo_latency(results):
    panels = []
    for measure, label in echo_labels(results, r"echo/(\d+)/(64)B/(1)").items():
        curves = {}
        for name in results.implementations(measure, "p99_us"):
            if name.endswith("/read_some"):  # twice as many curves would hide each other
                continue
            points = [(metric, results.median(measure, name, metric)) for metric in PERCENTILES]
            curves[name] = [(metric, value) for metric, value in points if value]
        panels.append(charts.Panel(label, {name: c for name, c in curves.items() if c}))
    panels = [panel for panel in panels if panel.curves]
    if not panels:
        return None
    shown = {metric for panel in panels for points in panel.curves.values() for metric, _ in points}
    ticks = {metric: words for metric, words in PERCENTILES.items() if metric in shown}
    return charts.curves("Echo server: latency by connections",
                         "from asking to the last byte of the answer, one request in flight on "
                         "each connection; medians of the rounds; logarithmic", panels,
                         charts.Scale("of the requests are at least as fast", "p50_us", ticks,
                                      True))


def http_cpu(results):
    labels = {m: f"{int(m.split('/')[1]):,} connections" for m in results.measures()
              if re.fullmatch(r"http_get/\d+", m)}
    labels.update({m: f"{int(m.split('/')[1]):,} connections\na server never waited for"
                   for m in results.measures() if re.fullmatch(r"http_get_own/\d+", m)})
    return bars(results, "HTTP client: CPU time per keep-alive GET of 1 KiB",
                "the client's process; the floor is a client in C that knows these responses",
                labels, "cpu_ns")


def crawl(results):
    labels = {m: f"{int(m.split('/')[1]):,} pages" for m in results.measures()
              if re.fullmatch(r"crawl/\d+", m)}
    return bars(results, "Crawl: time for all pages of a server that takes 20 ms for each",
                "one thread of Eddy beside pools of threads", labels, "seconds")


def memory(results):
    labels = {}
    for measure in results.measures():
        found = re.fullmatch(r"(idle|sleepers)/(\d+)", measure)
        if found:
            thing = "idle connections" if found[1] == "idle" else "sleeping tasks"
            labels[measure] = f"{int(found[2]):,} {thing}"
    return bars(results, "Memory of each idle connection and of each sleeping task",
                "user memory that the process has more with all of them, divided by their number",
                labels, "bytes")


def against_number(results, pattern, metric, title, subtitle, x_label, logarithmic=False):
    """Curves of a metric over the number in `pattern`."""
    curves = {}
    for measure in results.measures():
        found = re.fullmatch(pattern, measure)
        for name in results.implementations(measure, metric) if found else ():
            value = results.median(measure, name, metric)
            if value > 0:
                curves.setdefault(name, []).append((int(found[1]), value))
    curves = {name: sorted(points) for name, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    ordered = sorted(curves, key=lambda name: (not rows_of.is_ours(name), name))
    panel = charts.Panel("", {name: curves[name] for name in ordered})
    return charts.curves(title, subtitle, [panel], charts.Scale(x_label, metric, None, logarithmic))


def cost_connections(results):
    return against_number(results, r"echo/(\d+)/64B/1", "cpu_ns",
                          "Echo server: CPU time per request against connections",
                          "requests of 64 bytes, one in flight on each connection", "connections")


def cost_timers(results):
    return against_number(results, r"timer_arm_cancel/(\d+)", "ns",
                          "Timers: arm and cancel one against how many are live",
                          "deadlines over one hour, the cancelled one chosen at random",
                          "live timers")


def cost_hosts(results):
    return against_number(results, r"http_pool/(\d+)", "ns",
                          "HTTP pool: a request against how many hosts it knows", "", "hosts")


PLOTS = {
    "steps.svg": steps, "more_steps.svg": other_steps, "echo_cpu.svg": echo_cpu,
    "echo_cpu_all.svg": echo_cpu_all, "echo_latency.svg": echo_latency,
    "http_cpu.svg": http_cpu, "crawl.svg": crawl,
    "memory.svg": memory, "cost_connections.svg": cost_connections, "cost_timers.svg": cost_timers,
    "cost_hosts.svg": cost_hosts,
}


def draw(results):
    """Without floors measured again: beside themselves they would hide the others."""
    shown = rows_of.Results(results.facts)
    shown.rows = {key: values for key, values in results.rows.items()
                  if not rows_of.is_again(key[1])}
    drawn = {name: plot(shown) for name, plot in PLOTS.items()}
    return {name: text for name, text in drawn.items() if text}
