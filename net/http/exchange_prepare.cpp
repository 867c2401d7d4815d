// What a request says: its fields and its head.
#include <eddy/net/http/error.hpp>

#include "content_decoder.hpp"
#include "exchange.hpp"
#include "session_state.hpp"
#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

// A request up to this size is sent before anything is read: the kernel takes it at once (send
// buffers begin at 16 KiB and more), so neither side can wait for the other to read. It also goes
// out in one system call.
constexpr std::size_t small_request_bytes = 16 * 1024;

}  // namespace

void exchange::prepare() {
  for (const char* name : {"Content-Length", "Transfer-Encoding"}) {
    if (fields_.contains(name)) {
      throw invalid_request(std::string(name) + " follows from the body and cannot be set");
    }
  }
  if (method_ == "CONNECT")
    throw invalid_request("CONNECT makes a tunnel, which this is no way to");
  prepare_body();
  add_defaults();
  has_cookie_field_ = fields_.contains("Cookie");
  has_authorization_ = fields_.contains("Authorization");
}

void exchange::add_defaults() {
  const headers& unwanted = session_->settings.unwanted;
  const auto lacks = [&](std::string_view name) {
    return !fields_.contains(name) && !unwanted.contains(name);
  };
  for (const auto& [name, value] : session_->settings.fields) {
    if (lacks(name)) fields_.add(name, value);
  }
  if (lacks("Accept")) fields_.add("Accept", "*/*");
  // A range is one of the encoded content, which cannot be decoded from the middle.
  const std::string_view encodings = accepted_encodings();
  if (encodings != "identity" && lacks("Accept-Encoding") && !fields_.contains("Range")) {
    fields_.add("Accept-Encoding", encodings);
  }
}

// As it stands in the request line.
std::string exchange::target() const { return url_.target(); }

void exchange::write_head() {
  if (!fields_.contains("Host")) fields_.add("Host", url_.authority());
  announce_body();
  write_identity();
  head_.clear();
  append_request_head(head_, method_, target(), fields_);
  body_rides_ = !source() && !expecting_ && head_.size() + body_.size() <= small_request_bytes;
  if (body_rides_) head_.append(body_);
}

}  // namespace eddy::inline v1::http
