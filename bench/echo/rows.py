"""What echo.py found, as the rows that all of bench/ writes: one for each measure,
implementation and metric, with a value for each round."""


def selector_of(name):
    return name.split("/")[0]


def is_ours(name):
    return name.split("/")[1] == "eddy"


def implementation(name):
    """epoll/eddy -> eddy-epoll, epoll/eddy/read_some -> eddy-epoll/read_some, epoll/floor/again ->
    floor-epoll/again, and epoll/asio -> asio: what has no selector to choose is told by its own
    name."""
    selector, what, *more = name.split("/")
    if what in ("eddy", "floor"):
        what += f"-{selector}"
    return "/".join([what, *more])


def measure_name(shape):
    connections, size, depth = shape
    return f"echo/{connections}/{size}B/{depth}"


def row(measure, name, metric, values):
    return {"measure": measure, "implementation": implementation(name), "metric": metric,
            "values": values}


def of_rounds(shape, results):
    """`results`: {name: [the load's result of a round]}"""
    for name, own in results.items():
        measure = measure_name(shape)
        yield row(measure, name, "cpu_ns", [r["cpu_ns"] / r["requests"] for r in own])
        for metric in ("p50_us", "p99_us", "p999_us"):
            yield row(measure, name, metric, [r[metric] for r in own])
        yield row(measure, name, "requests_per_s", [r["requests"] / r["seconds"] for r in own])


def of_calls(shape, calls):
    """`calls`: {name: system calls per request}"""
    for name, each in calls.items():
        yield row(measure_name(shape), name, "syscalls", [each])


def of_idle(connections, idle):
    """`idle`: {name: [(bytes per connection, ns of CPU in a second) of a round]}"""
    for name, rounds in idle.items():
        yield row(f"idle/{connections}", name, "bytes", [each for each, _ in rounds])
        yield row(f"idle/{connections}", name, "cpu_ns", [cpu for _, cpu in rounds])
