#include "narrator.hpp"

#include <cstdio>

#include "printable.hpp"

namespace fetch {

namespace {

namespace http = eddy::http;

void narrate_lines(const char* mark, std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    std::fprintf(stderr, "%s%s\n", mark, printable(lines.substr(0, end)).c_str());
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 2);
  }
}

// What happens for each piece of a body would only fill the screen.
bool is_worth_telling(http::trace_step step) {
  return step != http::trace_step::body_sent && step != http::trace_step::chunk &&
         step != http::trace_step::first_byte && step != http::trace_step::head;
}

}  // namespace

void narrator::on_event(const http::trace_event& event) noexcept {
  if (!is_worth_telling(event.step)) return;
  try {
    std::string line = printable(event.method) + " " + printable(event.url) + ": ";
    line.append(http::name_of(event.step));
    if (!event.error.empty()) line.append(": ").append(printable(event.error));
    std::fprintf(stderr, "* %s\n", line.c_str());
    narrate_lines("> ", event.head);
  } catch (const std::bad_alloc&) {
    // Then it is not told.
  }
}

void narrate_head(std::string_view head) { narrate_lines("< ", head); }

}  // namespace fetch
