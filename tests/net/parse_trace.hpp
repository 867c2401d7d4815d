#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/net/http/error.hpp>
#include <eddy/net/http/limits.hpp>

#include "../../net/http/bytes_view.hpp"
#include "../../net/http/request_parser.hpp"
#include "../../net/http/response_parser.hpp"

// What a parser makes of a byte sequence, as one line of text that does not depend on how the bytes
// were cut: "head 200 OK {Content-Length: 5} / body hello / end keep-alive". Shared by the tests
// and the fuzzers.
namespace parse_trace {

using pieces = std::vector<std::string_view>;

struct outcome {
  std::string events;
  std::string error;         // what() of the protocol_error, if one was thrown
  int answer_status = 0;     // of that error
  std::size_t consumed = 0;  // bytes of the input
};

inline std::string in_braces(const eddy::http::headers& fields) {
  std::string text = "{";
  for (const auto& [name, value] : fields) {
    if (text.size() > 1) text.append(", ");
    text.append(name).append(": ").append(value);
  }
  return text.append("}");
}

// Pieces of a body are joined: where they are cut is the parser's business.
class recorder {
 public:
  void note(std::string_view event) {
    if (!text_.empty()) text_.append(" / ");
    text_.append(event);
    in_body_ = false;
  }
  void body(std::string_view data) {
    if (!in_body_) note("body ");
    text_.append(data);
    in_body_ = true;
  }
  void end(const eddy::http::headers& trailers) {
    if (!trailers.empty()) note("trailers " + in_braces(trailers));
    if (!ended_) note("end");
    ended_ = true;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool in_body_ = false;
  bool ended_ = false;
};

inline const char* version_name(eddy::http::http_version version) {
  return version == eddy::http::http_version::http_1_1 ? "" : " HTTP/1.0";
}

inline std::string describe(const eddy::http::response_head& head) {
  return std::to_string(head.status) + " " + head.reason + version_name(head.version) + " " +
         in_braces(head.fields);
}

inline std::string describe(const eddy::http::request_head& head) {
  return head.method + " " + head.target + version_name(head.version) + " " +
         in_braces(head.fields);
}

inline void feed_response(eddy::http::response_parser& parser, std::string_view piece,
                          recorder& events, outcome& result) {
  using eddy::http::response_event;
  for (;;) {
    const auto step = parser.feed(eddy::http::bytes_of(piece));
    piece.remove_prefix(step.consumed);
    result.consumed += step.consumed;
    switch (step.event) {
      case response_event::need_more:
        return;
      case response_event::interim:
        events.note("interim " + describe(parser.head()));
        break;
      case response_event::head:
        events.note("head " + describe(parser.head()));
        break;
      case response_event::body:
        events.body(eddy::http::text_of(step.body));
        break;
      case response_event::end:
        return;
    }
  }
}

// The response to one request of that method, then the end of the connection.
inline outcome response(std::string_view method, const pieces& input,
                        const eddy::http::limits& bounds = eddy::http::limits()) {
  eddy::http::response_parser parser(bounds);
  recorder events;
  outcome result;
  try {
    parser.begin(method);
    for (const std::string_view piece : input) feed_response(parser, piece, events, result);
    const bool keep_alive = parser.keep_alive();
    parser.finish();
    events.end(parser.trailers());
    if (keep_alive) events.note("keep-alive");
  } catch (const eddy::http::protocol_error& failure) {
    result.error = failure.what();
    result.answer_status = failure.answer_status();
  }
  result.events = events.take();
  return result;
}

inline void feed_request(eddy::http::request_parser& parser, std::string_view piece,
                         recorder& events, outcome& result) {
  using eddy::http::request_event;
  for (;;) {
    const auto step = parser.feed(eddy::http::bytes_of(piece));
    piece.remove_prefix(step.consumed);
    result.consumed += step.consumed;
    switch (step.event) {
      case request_event::need_more:
        return;
      case request_event::head:
        events.note("head " + describe(parser.head()));
        if (parser.expects_continue()) events.note("expects 100-continue");
        break;
      case request_event::body:
        events.body(eddy::http::text_of(step.body));
        break;
      case request_event::end:
        return;
    }
  }
}

// One request, then the end of the connection.
inline outcome request(const pieces& input,
                       const eddy::http::limits& bounds = eddy::http::limits()) {
  eddy::http::request_parser parser(bounds);
  recorder events;
  outcome result;
  try {
    for (const std::string_view piece : input) feed_request(parser, piece, events, result);
    const bool keep_alive = parser.keep_alive();
    parser.finish();
    if (parser.done()) events.end(parser.trailers());
    if (keep_alive) events.note("keep-alive");
  } catch (const eddy::http::protocol_error& failure) {
    result.error = failure.what();
    result.answer_status = failure.answer_status();
  }
  result.events = events.take();
  return result;
}

inline pieces whole(std::string_view bytes) { return {bytes}; }

inline pieces byte_by_byte(std::string_view bytes) {
  pieces cut;
  for (std::size_t i = 0; i < bytes.size(); ++i) cut.push_back(bytes.substr(i, 1));
  return cut;
}

inline pieces split_at(std::string_view bytes, std::size_t place) {
  return {bytes.substr(0, place), bytes.substr(place)};
}

// Cut by a fuzzer: each byte of `sizes` is the size of a piece, over and over.
inline pieces cut_by(std::string_view bytes, std::string_view sizes) {
  pieces cut;
  for (std::size_t i = 0; !bytes.empty(); ++i) {
    const auto wanted = sizes.empty()
                            ? std::size_t{1}
                            : static_cast<unsigned char>(sizes[i % sizes.size()]) + std::size_t{1};
    const std::size_t size = std::min(wanted, bytes.size());
    cut.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return cut;
}

// Every way to cut `bytes` that the tests try: whole, byte by byte, and in two at every boundary.
// The cuts are views: no temporary.
std::vector<pieces> every_cut(std::string&& bytes) = delete;
inline std::vector<pieces> every_cut(const std::string& whole_bytes) {
  const std::string_view bytes = whole_bytes;
  std::vector<pieces> cuts = {whole(bytes), byte_by_byte(bytes)};
  for (std::size_t place = 1; place < bytes.size(); ++place) cuts.push_back(split_at(bytes, place));
  return cuts;
}

}  // namespace parse_trace
