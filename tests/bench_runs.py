"""Runs every benchmark for an instant, so that none can rot. Argument: the folder they are in."""

import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
programs = [p for p in sorted(folder.iterdir()) if p.is_file() and p.stat().st_mode & 0o100]
if not programs:
    sys.exit(f"no benchmark in {folder}")
for program in programs:
    done = subprocess.run([program, "--benchmark_min_time=0.001"], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or "ERROR" in done.stdout:
        sys.exit(f"{program.name} failed:\n{done.stdout}")
    print(done.stdout)
