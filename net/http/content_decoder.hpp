#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <eddy/net/http/limits.hpp>

namespace eddy::inline v1::http {

// Undoes Content-Encoding (RFC 9110 §8.4), streaming, in bounded memory: gzip (also x-gzip),
// deflate, br (RFC 7932), zstd (RFC 8878) and identity, as far as the build has them, stacked up to
// limits::max_content_codings. What each coding puts out is bounded by limits::max_decoded_bytes.
// An unsupported coding, corrupt or truncated data, a wrong checksum and an exceeded bound throw
// content_error. One owner, one thread.
//
//   content_decoder decoder("gzip", bounds);
//   auto [consumed, produced, more] = decoder.decode(input, output);  // until all is consumed and
//                                                                     // there is no more
//   decoder.finish();
//
// Where the codings differ:
// - gzip may have several members (RFC 1952 §2.2), and bytes after the last one that start no
//   member are ignored, as browsers have it, because servers need it;
// - "deflate" is the zlib format (RFC 9110 §8.4.1.2), but raw deflate data is recognised and
//   accepted, and bytes after its end are ignored;
// - zstd may have several frames, skippable ones among them; its window is 8 MiB at the most (RFC
//   9659), and bytes that start no frame are an error;
// - br ends once, and bytes after its end are an error;
// - no data at all is an empty content, whatever the coding.
class content_decoder {
 public:
  // Bytes that the codings of a stack take in and put out in one call of decode().
  static constexpr std::size_t most_work = std::size_t{4} << 20U;

  struct progress {
    std::size_t consumed;
    std::size_t produced;
    bool more;  // call again, with what is left of the input, if anything: more is held inside
  };

  // `content_encoding` is the combined field value; empty means identity.
  content_decoder(std::string_view content_encoding, const limits& bounds);
  content_decoder(content_decoder&&) noexcept;
  content_decoder& operator=(content_decoder&&) noexcept;
  ~content_decoder();

  // Whether bytes pass unchanged.
  bool is_identity() const noexcept;

  // Decodes from `input` into `output` until one of them is used up, or until most_work has been
  // done: of stacked codings a small input can keep one call busy for very long.
  progress decode(std::span<const std::byte> input, std::span<std::byte> output);

  // The content ended: throws if the data says otherwise. All output must have been taken.
  void finish() const;

 private:
  struct chain;
  std::unique_ptr<chain> chain_;  // null for identity
};

// What to offer in Accept-Encoding: what this build can decode.
std::string_view accepted_encodings() noexcept;

}  // namespace eddy::inline v1::http
