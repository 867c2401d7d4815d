"""How many connections this machine lets one process hold, and the limit that says so."""

import pathlib
import resource

# Of a server and of the load, beside their connections.
DESCRIPTORS_BESIDES = 64
# Of the kernel and the two processes, for a connection with both its ends here: 4 KiB for each
# socket's structures and as much again for what a request and its answer leave in its queues.
BYTES_OF_CONNECTION = 16 * 1024
# Of the memory that is free, for the connections.
MEMORY_PART = 0.8
# bench/echo/load.c binds so many to each source address.
SOURCE_CONNECTIONS = 20 * 1000


def raise_descriptor_limit():
    """Takes as many as there are: beyond the hard limit where that is permitted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = int(pathlib.Path("/proc/sys/fs/nr_open").read_text())
    for wanted in (most, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return
        except (ValueError, OSError):
            continue


def available_memory():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")


def most_connections():
    """(how many, because of what)"""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first, last = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
                      .read_text().split())
    limits = [(descriptors - DESCRIPTORS_BESIDES, f"a process may have {descriptors} descriptors "
               "(ulimit -Hn, fs.nr_open)"),
              (int(available_memory() * MEMORY_PART) // BYTES_OF_CONNECTION,
               "of the memory that is free (MemAvailable)")]
    if last - first < SOURCE_CONNECTIONS:
        limits.append((last - first, "of net.ipv4.ip_local_port_range"))
    return min(limits)
