#pragma once

#include <eddy/net/http/trace.hpp>

namespace fetch {

// -v: tells on the standard error what is sent ("> ") and what happens ("* ").
class narrator final : public eddy::http::trace_observer {
 public:
  narrator() noexcept {}
  void on_event(const eddy::http::trace_event& event) noexcept override;
};

// The head of a response, each line after "< ".
void narrate_head(std::string_view head);

}  // namespace fetch
