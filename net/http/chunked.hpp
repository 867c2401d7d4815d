#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <eddy/net/http/headers.hpp>
#include <eddy/net/http/limits.hpp>

#include "head_parser.hpp"
#include "line_reader.hpp"

namespace eddy::inline v1::http {

// Takes the chunked coding off a body (RFC 9112 §7.1), incrementally and without copying the data.
// Sizes of more than 16 digits, bytes of an extension that its data does not pay for
// (limits::max_chunk_extension_bytes), data that does not end in CRLF, bare LF and CR, and a bad
// trailer section are protocol errors. Whitespace after a chunk size is accepted, as §7.1.1 has it
// before an extension. After an error the decoder is dead.
class chunked_decoder {
 public:
  enum class progress {
    need_more,  // all input was read
    data,       // data() is the next piece, a view into the input
    complete,   // trailers() are final; what is left of the input is not ours
  };

  explicit chunked_decoder(const limits& bounds);

  // Reads from the front of `input` and removes what it read.
  progress feed(std::string_view& input);

  std::string_view data() const noexcept { return data_; }
  // Fields after the last chunk. They are kept apart from the head's for good: merged, they could
  // change what the head meant (RFC 9110 §6.5.1).
  const headers& trailers() const noexcept { return trailers_.fields(); }
  headers take_trailers() noexcept {
    headers taken;
    trailers_.take_fields(taken);
    return taken;
  }

  // Data bytes handed out so far.
  std::uint64_t decoded_bytes() const noexcept { return decoded_; }

  void reset() noexcept;

 private:
  enum class state { awaits_size, in_data, awaits_data_cr, awaits_data_lf, in_trailers, ended };

  void begin_chunk(std::string_view line);
  void charge_extension(std::size_t bytes);
  void expect(char byte, std::string_view& input, state next);

  limits bounds_;
  line_reader lines_;
  head_parser trailers_;
  std::string_view data_;
  state state_ = state::awaits_size;
  std::uint64_t chunk_left_ = 0;
  std::uint64_t decoded_ = 0;
  std::uint64_t declared_ = 0;        // sum of the chunk sizes so far
  std::uint64_t extension_debt_ = 0;  // extension bytes not yet paid for by data
};

}  // namespace eddy::inline v1::http
