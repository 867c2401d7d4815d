#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <eddy/net/http/limits.hpp>

namespace eddy::inline v1::http {

// Undoes Content-Encoding (RFC 9110 §8.4), streaming, in bounded memory: gzip (also x-gzip),
// deflate and identity, stacked up to limits::max_content_codings. What each coding puts out is
// bounded by limits::max_decoded_bytes. An unsupported coding, corrupt or truncated data, a wrong
// checksum and an exceeded bound throw content_error. One owner, one thread.
//
//   content_decoder decoder("gzip", bounds);
//   auto [consumed, produced] = decoder.decode(input, output);   // until all is consumed and
//   output is not filled decoder.finish();
//
// Leniency, as browsers have it, because servers need it:
// - gzip may have several members (RFC 1952 §2.2), and bytes after the last one that start no
// member are ignored;
// - "deflate" is the zlib format (RFC 9110 §8.4.1.2), but raw deflate data is recognised and
// accepted;
// - no data at all is an empty content, whatever the coding.
class content_decoder {
 public:
  struct progress {
    std::size_t consumed;
    std::size_t produced;
  };

  // `content_encoding` is the combined field value; empty means identity.
  content_decoder(std::string_view content_encoding, const limits& bounds);
  content_decoder(content_decoder&&) noexcept;
  content_decoder& operator=(content_decoder&&) noexcept;
  ~content_decoder();

  // Whether bytes pass unchanged.
  bool is_identity() const noexcept;

  // Decodes from `input` into `output` until one of them is used up. A filled output may mean that
  // more is held inside: call again, with empty input if none is left, until it is not filled.
  progress decode(std::span<const std::byte> input, std::span<std::byte> output);

  // Appends all that `input` yields.
  void decode_to(std::span<const std::byte> input, std::string& output);

  // The content ended: throws if the data says otherwise. All output must have been taken.
  void finish() const;

 private:
  struct chain;
  std::unique_ptr<chain> chain_;  // null for identity
};

// What to offer in Accept-Encoding: what this build can decode.
std::string_view accepted_encodings() noexcept;

}  // namespace eddy::inline v1::http
