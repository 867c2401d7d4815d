#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <system_error>


namespace faults {

eddy::run_options small_loop() {
  eddy::run_options options;
  options.receive_buffers(4, 4096).ring_entries(8).offload_threads(1);
  return options;
}

namespace {

std::ptrdiff_t open_count() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

std::string title(const rule& r) {
  if (r.where == call::count) return "no failure";
  std::string text = "call " + std::to_string(r.first) + " of " + std::string(name_of(r.where));
  if (r.opcode >= 0) text += " with opcode " + std::to_string(r.opcode);
  if (r.every > 0) text += " and each " + std::to_string(r.every) + ". after it";
  if (r.error == partial) return text + " does a part";
  if (r.error == single) return text + " completes once";
  return text + " fails with " + std::system_category().message(r.error);
}

// What was done and to whom comes before the system's own words.
bool says_what(const outcome& o) {
  const std::string cause = std::system_category().message(o.code);
  const std::size_t at = o.error.find(": " + cause);
  if (at == std::string::npos || at == 0) return false;
  const bool on_tcp = o.part.starts_with("TCP");
  return !on_tcp || o.error.find("127.0.0.1") < at;
}

}  // namespace

report run_checked(const rule& r, effect expected) {
  const std::ptrdiff_t before = open_count();
  play(r);
  const report out = run_mixed(small_loop());
  stop();
  INFO(title(r));
  INFO(out.text());
  CHECK(open_count() == before);
  CHECK(out.right());
  if (expected == effect::none) CHECK(out.clean());
  // EINTR and EAGAIN are between the selector and the system.
  CHECK_FALSE(out.has(EINTR));
  CHECK_FALSE(out.has(EAGAIN));
  for (const outcome& o : out.parts) {
    if (o.code != 0) CHECK_MESSAGE(says_what(o), o.error);
  }
  if (out.refused_code != 0) CHECK(out.refused.find(": ") != std::string::npos);
  return out;
}

namespace {

std::set<unsigned> sampled(unsigned calls, unsigned samples) {
  std::set<unsigned> chosen;
  for (unsigned i = 0; i < samples && calls > 0; ++i) {
    chosen.insert(1 + (samples > 1 ? i * (calls - 1) / (samples - 1) : 0));
  }
  return chosen;
}

}  // namespace

void sweep(const std::vector<failure>& failures, unsigned samples) {
  // Once without a failure, to count.
  std::map<std::pair<call, int>, unsigned> counted;
  for (const failure& f : failures) {
    const std::pair key(f.where, f.opcode);
    if (counted.contains(key)) continue;
    rule count_only{f.where, UINT32_MAX, 0, 0, f.opcode};
    const report clean = run_checked(count_only, effect::none);
    counted[key] = matched();
    CHECK_MESSAGE(counted[key] > 0, name_of(f.where) << " is never called");
  }
  for (const failure& f : failures) {
    unsigned hit = 0;
    for (const unsigned n : sampled(counted[{f.where, f.opcode}], samples)) {
      (void)run_checked(rule{f.where, n, 0, f.error, f.opcode}, f.expected);
      hit += injected();
    }
    CHECK_MESSAGE(hit > 0, "no failure of " << name_of(f.where) << " took place");
    if (f.expected == effect::none) {
      for (const unsigned every : {2u, 3u}) {
        (void)run_checked(rule{f.where, 1, every, f.error, f.opcode}, f.expected);
      }
    }
  }
}

}  // namespace faults
