"""Which (connections, bytes of a request, requests in flight) are measured."""

import itertools

# The budgets are judged at these numbers of connections, so everything else is varied at them.
CENTRES = (50, 1000)


def cross(connections, sizes, depths):
    return list(itertools.product(connections, sizes, depths))


def star(connections, sizes, depths):
    """Every number of connections at the first size and depth; every other size and every other
    depth, one of the two at a time, at the centres (or the last number, where none is among
    them)."""
    centres = [c for c in connections if c in CENTRES] or connections[-1:]
    shapes = cross(connections, sizes[:1], depths[:1])
    shapes += cross(centres, sizes[1:], depths[:1])
    return shapes + cross(centres, sizes[:1], depths[1:])


MATRICES = {"star": star, "cross": cross}
