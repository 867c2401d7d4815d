#include "mixed.hpp"

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <algorithm>
#include <system_error>

#include "mixed_parts.hpp"

namespace faults {

namespace {

using std::chrono::seconds;

// No part takes more than some milliseconds: who is not done by then never will be.
constexpr auto patience = seconds(10);

eddy::task<> judged(eddy::task<> part, outcome& out) {
  const auto limit = eddy::now() + patience;
  auto body = eddy::with_deadline(limit, std::move(part));
  try {
    co_await body;
  } catch (const eddy::timeout_error& e) {
    out.error = e.what();
  } catch (const wrong_result& e) {
    out.wrong = true;
    out.error = e.what();
  } catch (const std::system_error& e) {
    out.error = e.what();
    out.code = e.code().value();
  } catch (const std::exception& e) {
    out.error = e.what();
  }
  // Also where one half of a part has failed, and only then the other was cancelled.
  out.late = eddy::now() >= limit;
}

eddy::task<> everything(report& out) {
  struct named_part {
    const char* name;
    eddy::task<> (*start)();
  };
  constexpr named_part all[] = {
      {"TCP by receive", tcp_by_lease},       {"TCP by read", tcp_by_read},
      {"pieces", stream_in_pieces},           {"datagrams", datagrams},
      {"pipe", through_a_pipe},               {"file", a_file},
      {"foreign descriptor", foreign_descriptor}, {"cancelled waits", cancelled_waits},
      {"woken by a thread", woken_by_a_thread},
  };
  out.parts.resize(std::size(all));
  std::vector<eddy::task<>> parts;
  for (std::size_t i = 0; i < std::size(all); ++i) {
    out.parts[i].part = all[i].name;
    parts.push_back(judged(all[i].start(), out.parts[i]));
  }
  auto together = eddy::gather(std::move(parts));
  co_await together;
}

}  // namespace

bool report::clean() const {
  return refused.empty() && std::ranges::all_of(parts, [](const outcome& o) {
           return o.error.empty();
         });
}

bool report::right() const {
  return std::ranges::none_of(parts, [](const outcome& o) { return o.wrong || o.late; });
}

bool report::has(int code) const {
  return refused_code == code ||
         std::ranges::any_of(parts, [code](const outcome& o) { return o.code == code; });
}

std::string report::text() const {
  std::string all;
  if (!refused.empty()) all += "run: " + refused + "; ";
  for (const outcome& o : parts) {
    if (!o.error.empty()) all += o.part + ": " + o.error + "; ";
  }
  return all;
}

report run_mixed(eddy::run_options options) {
  report out;
  try {
    eddy::run(everything(out), std::move(options));
  } catch (const std::system_error& e) {
    out.refused = e.what();
    out.refused_code = e.code().value();
  }
  return out;
}

}  // namespace faults
