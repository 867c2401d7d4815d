// An event of a text/event-stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace eddy::inline v1::http {

// What a server sent as one event (WHATWG HTML §9.2.6). A plain value.
class server_sent_event {
 public:
  server_sent_event() {}

  std::string type = "message";  // what the field "event" named
  std::string data;              // the lines of the field "data", joined with LF
  // The last "id" of the stream so far, of this event or one before: what to send as Last-Event-ID
  // to go on here.
  std::string last_id;
  // The last "retry" of the stream so far, in milliseconds: how long to wait before connecting
  // again.
  std::optional<std::uint64_t> retry_ms;
};

}  // namespace eddy::inline v1::http
