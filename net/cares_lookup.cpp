#include "cares_lookup.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>

#include "cares_query.hpp"

namespace eddy::inline v1::detail {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

task<> come_true(cares_query::wish w) {
  if (w.writing) {
    co_await wait_writable(w.fd);
  } else {
    co_await wait_readable(w.fd);
  }
}

task<> pass(std::int64_t ns) { co_await sleep(std::chrono::nanoseconds(ns)); }

// All waits for its sockets are over before c-ares is called again: it may close any of them.
task<> answer(cares_query& query, std::int64_t patience_ns) {
  std::array<cares_query::wish, cares_query::most_wishes> wishes;
  std::optional<time_point> latest;
  while (!query.is_done()) {
    if (query.has_addresses() && !latest) latest = now() + std::chrono::nanoseconds(patience_ns);
    const std::int64_t left_ns = latest ? (*latest - now()).count() : never_ns;
    if (left_ns <= 0) co_return;
    const std::size_t count = query.wishes(wishes);
    std::vector<task<>> waits;
    for (std::size_t i = 0; i < count; ++i) waits.push_back(come_true(wishes[i]));
    waits.push_back(pass(std::min(query.patience_ns(), left_ns)));
    const auto first = co_await race(std::move(waits));
    query.resume(first.index() < count ? &wishes[first.index()] : nullptr);
  }
}

}  // namespace

bool is_for_getaddrinfo(std::string_view host) noexcept {
  if (host.find_first_of(":%") != host.npos) return true;
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.starts_with("0x") || last.starts_with("0X")) return true;
  for (const char c : last) {
    if (!is_digit(c)) return false;
  }
  return !last.empty();
}

task<lookup_answer> look_up_by_cares(std::string host, cares_settings s) {
  cares_query query(s);
  query.ask(host.c_str());
  co_await answer(query, s.patience_ns);
  co_return query.take(host);
}

}  // namespace eddy::inline v1::detail
