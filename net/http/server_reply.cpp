#include "server_reply.hpp"

#include <eddy/net/http/error.hpp>
#include <stdexcept>
#include <utility>

#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int first_final_status = 200;
constexpr int no_content = 204;
constexpr int not_modified = 304;
constexpr int last_status = 999;

// A body up to this is copied behind its head, so that both go out in one write.
constexpr std::size_t joined_body_bytes = 64 * 1024;

void check(int status, const headers& fields) {
  if (status < first_final_status || status > last_status) {
    throw invalid_request("status " + std::to_string(status) + " is not from 200 to 999");
  }
  for (const char* name : {"Content-Length", "Transfer-Encoding"}) {
    if (fields.contains(name)) {
      throw invalid_request(std::string(name) + " in a response is the server's to set");
    }
  }
}

}  // namespace

void server_reply::begin(int status, body_framing framing) {
  if (started()) throw std::logic_error("a response was started twice");
  check(status, fields);
  if (status == no_content && framing.size > 0) {
    throw invalid_request("response 204 must not have a body");
  }
  const bool to_http_1_0 = parser_.head().version == http_version::http_1_0;
  if (framing.end == body_end::chunked && to_http_1_0) framing.end = body_end::until_close;
  without_body_ = to_head_ || status == no_content || status == not_modified;

  closes_ = !parser_.keep_alive() || core_.stopping || body_.owes_continue() ||
            !connection_persists(http_version::http_1_1, fields) ||
            (framing.end == body_end::until_close && !without_body_);
  body_.forgo_continue();
  fields.remove("Connection");
  if (status != no_content && status != not_modified) {
    if (framing.end == body_end::sized) fields.add("Content-Length", std::to_string(framing.size));
    if (framing.end == body_end::chunked) fields.add("Transfer-Encoding", "chunked");
  }
  if (closes_) {
    fields.add("Connection", "close");
  } else if (to_http_1_0) {
    fields.add("Connection", "keep-alive");
  }
  append_response_head(out_, status, {}, fields);
  end_ = framing.end;
  missing_ = framing.size;
  stage_ = stage::streams;
}

task<> server_reply::send(int status, std::string_view content_type, std::string body) {
  if (!started() && !content_type.empty()) fields.set("Content-Type", content_type);
  begin(status, body_framing{body_end::sized, body.size(), false});
  stage_ = stage::finished;
  if (!without_body_ && body.size() > joined_body_bytes) return write_large(std::move(body));
  missing_ = 0;
  if (!without_body_) out_ += body;
  return flush();
}

task<> server_reply::write_large(std::string body) {
  co_await flush();
  co_await channel_.write(body);
  missing_ = 0;
}

task<> server_reply::start(int status) {
  begin(status, body_framing{body_end::chunked, 0, false});
  return flush();
}

task<> server_reply::start(int status, std::uint64_t size) {
  begin(status, body_framing{body_end::sized, size, false});
  return flush();
}

task<> server_reply::write(std::string_view bytes) {
  if (stage_ != stage::streams) {
    throw std::logic_error("a response was written to outside of start … finish");
  }
  if (end_ == body_end::sized) {
    if (bytes.size() > missing_) {
      throw invalid_request("response body exceeds the size that start() announced by " +
                            std::to_string(bytes.size() - missing_) + " bytes");
    }
    missing_ -= bytes.size();
  }
  if (!without_body_ && !bytes.empty()) {
    if (end_ == body_end::chunked) append_chunk_prefix(out_, bytes.size());
    out_ += bytes;
    if (end_ == body_end::chunked) out_ += chunk_end;
  }
  return flush();
}

task<> server_reply::finish() {
  if (stage_ != stage::streams) {
    throw std::logic_error("a response was finished that is not between start and finish");
  }
  if (missing_ > 0 && !without_body_) {
    throw invalid_request("response body lacks " + std::to_string(missing_) +
                          " bytes of the size that start() announced");
  }
  missing_ = 0;
  if (end_ == body_end::chunked && !without_body_) append_last_chunk(out_);
  stage_ = stage::finished;
  return flush();
}

task<> server_reply::flush() {
  // Taken first: whoever breaks the rule of one coroutine at a time must not pull it away.
  const std::string sending = std::exchange(out_, {});
  co_await channel_.write(sending);
}

task<> server_reply::refuse(int status, std::string_view reason) {
  fields.clear();
  fields.add("Connection", "close");
  out_.clear();
  return send(status, "text/plain", refusal_text(status, reason));
}

std::string refusal_text(int status, std::string_view reason) {
  std::string text = std::to_string(status) + " " + std::string(reason_phrase(status));
  if (!reason.empty()) text.append(": ").append(reason);
  return text.append("\n");
}

void append_refusal(std::string& out, int status, std::string_view reason) {
  const std::string text = refusal_text(status, reason);
  headers fields;
  fields.add("Content-Type", "text/plain");
  fields.add("Content-Length", std::to_string(text.size()));
  fields.add("Connection", "close");
  append_response_head(out, status, {}, fields);
  out += text;
}

}  // namespace eddy::inline v1::http
