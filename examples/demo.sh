#!/bin/sh
# Eddy's main job, from nothing: installs what it needs, builds, starts a site of our own on
# 127.0.0.x, crawls it with areq, and runs the same crawl with a thread for each request beside it.
#   sh examples/demo.sh [SELECTOR]        epoll (default) or io_uring
set -eu
cd "$(dirname "$0")/.."
. tests/install.sh
install_packages tests/packages build

selector=${1:-auto}
build=build/demo-$selector
echo "Building in $build"
[ -f "$build/build.ninja" ] ||
  meson setup "$build" -Dbuildtype=release -Dexamples=true "-Dselector=$selector" >/dev/null
ninja -C "$build" >/dev/null || ninja -C "$build"
programs=$build/examples

work=$(mktemp -d)
site=
finish() {
  [ -z "$site" ] || kill "$site" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

sh examples/certificates.sh "$work"

# Starts the site with $1 pages and waits for the line that says it listens.
start_site() {
  [ -z "$site" ] || { kill "$site"; wait "$site" 2>/dev/null || true; }
  rm -f "$work/ready"
  mkfifo "$work/ready"
  "$programs/site" --pages "$1" --latency-ms 20 --certificates "$work" $2 "$work/urls.txt" \
    >"$work/ready" &
  site=$!
  read -r line <"$work/ready"
  echo "$line"
}

seconds() { awk "BEGIN { printf \"%.2f\", $2 - $1 }"; }
now() { date +%s.%N; }

# Runs a crawler and leaves its time in $took; its status says how many pages failed, not whether
# the demo did.
crawl() {
  began=$(now)
  "$@" || true
  took=$(seconds "$began" "$(now)")
}

echo "== a site with a 404, a redirect, a slow page, a broken one and others that fail"
start_site 24 --faults
crawl "$programs/areq" --cacert "$work/ca.pem" --timeout 10 "$work/urls.txt" "$work/found.tsv"
eddy=$took
echo "areq: $(($(wc -l <"$work/found.tsv") - 1)) links in $eddy s"
crawl "$programs/areq_threads" --cacert "$work/ca.pem" --timeout 10 "$work/urls.txt" \
  "$work/found-threads.tsv" 2>"$work/threads.log"
echo "a thread for each request: $(($(wc -l <"$work/found-threads.tsv") - 1)) links in $took s"

echo "== 2,000 pages, 20 ms each to answer, 500 at a time"
start_site 2000 ''
crawl "$programs/areq" --cacert "$work/ca.pem" --limit 500 --concurrency 500 "$work/urls.txt" \
  "$work/found.tsv" 2>"$work/areq.log"
echo "areq: $(($(wc -l <"$work/found.tsv") - 1)) links in $took s"
crawl "$programs/areq_threads" --cacert "$work/ca.pem" --threads 500 "$work/urls.txt" \
  "$work/found-threads.tsv" 2>"$work/threads.log"
echo "a thread for each request: $(($(wc -l <"$work/found-threads.tsv") - 1)) links in $took s"

sort "$work/found.tsv" >"$work/a"
sort "$work/found-threads.tsv" >"$work/b"
cmp -s "$work/a" "$work/b" || { echo "the two crawls differ" >&2; exit 1; }
echo "both found the same links"
