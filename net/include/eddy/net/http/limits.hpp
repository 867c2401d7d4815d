#pragma once

#include <cstddef>
#include <cstdint>

namespace eddy::inline v1::http {

// The bounds on what a peer may make us hold or do. A message that exceeds one fails with a
// protocol_error (content_error for decoding) that names the bound. A plain value; precedents
// for the defaults stand beside them.
//
//   auto strict = eddy::http::limits().max_head_bytes(16 * 1024).max_header_count(64);
class limits {
 public:
  limits() noexcept {}

  // Start line and fields together, line ends included.
  std::size_t max_head_bytes() const noexcept { return max_head_bytes_; }
  limits& max_head_bytes(std::size_t bytes) noexcept {
    max_head_bytes_ = bytes;
    return *this;
  }

  // The request line or status line alone. RFC 9112 §3 asks for at least 8000 in a request.
  std::size_t max_start_line_bytes() const noexcept { return max_start_line_bytes_; }
  limits& max_start_line_bytes(std::size_t bytes) noexcept {
    max_start_line_bytes_ = bytes;
    return *this;
  }

  // Fields in a head, and fields in a trailer section.
  std::size_t max_header_count() const noexcept { return max_header_count_; }
  limits& max_header_count(std::size_t count) noexcept {
    max_header_count_ = count;
    return *this;
  }

  // Chunk extensions carry nothing that we use. Their bytes are charged and the data bytes of the
  // same body pay them back, so signed chunks of a long upload pass and one-byte chunks with long
  // extensions do not.
  std::size_t max_chunk_extension_bytes() const noexcept { return max_chunk_extension_bytes_; }
  limits& max_chunk_extension_bytes(std::size_t bytes) noexcept {
    max_chunk_extension_bytes_ = bytes;
    return *this;
  }

  // The trailer section after the last chunk, line ends included.
  std::size_t max_trailer_bytes() const noexcept { return max_trailer_bytes_; }
  limits& max_trailer_bytes(std::size_t bytes) noexcept {
    max_trailer_bytes_ = bytes;
    return *this;
  }

  // 1xx responses before the final one.
  std::size_t max_interim_responses() const noexcept { return max_interim_responses_; }
  limits& max_interim_responses(std::size_t count) noexcept {
    max_interim_responses_ = count;
    return *this;
  }

  // Body bytes as they come off the connection, chunk framing not counted. Unlimited unless set: a
  // body is streamed through the caller's buffer, and whoever collects it whole brings a bound of
  // its own.
  std::uint64_t max_body_bytes() const noexcept { return max_body_bytes_; }
  limits& max_body_bytes(std::uint64_t bytes) noexcept {
    max_body_bytes_ = bytes;
    return *this;
  }

  // Bytes that come out of content decoding, at each coding of a stack. Unlimited unless set, for
  // the same reason: no more is decoded at a time than the caller's buffer has room for.
  std::uint64_t max_decoded_bytes() const noexcept { return max_decoded_bytes_; }
  limits& max_decoded_bytes(std::uint64_t bytes) noexcept {
    max_decoded_bytes_ = bytes;
    return *this;
  }

  // Codings stacked in one Content-Encoding.
  std::size_t max_content_codings() const noexcept { return max_content_codings_; }
  limits& max_content_codings(std::size_t count) noexcept {
    max_content_codings_ = count;
    return *this;
  }

 private:
  std::size_t max_head_bytes_ = 64 * 1024;       // httpcore 100 KiB, curl 300 KiB, node 16 KiB
  std::size_t max_start_line_bytes_ = 8 * 1024;  // nginx 8 KiB, aiohttp 8190
  std::size_t max_header_count_ = 128;           // aiohttp 128, Apache 100
  std::size_t max_chunk_extension_bytes_ = 16 * 1024;  // Go: 16 KiB of framing beyond the data
  std::size_t max_trailer_bytes_ = 16 * 1024;          // node 16 KiB
  std::size_t max_interim_responses_ = 8;              // Go 5
  std::uint64_t max_body_bytes_ = UINT64_MAX;          // Go, curl: none unless asked for
  std::uint64_t max_decoded_bytes_ = UINT64_MAX;
  std::size_t max_content_codings_ = 5;                        // curl 5
};

}  // namespace eddy::inline v1::http
