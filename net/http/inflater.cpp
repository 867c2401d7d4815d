#include "inflater.hpp"

#if EDDY_HAVE_ZLIB

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <string>

#include <zlib.h>

#include <eddy/net/http/error.hpp>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// zlib.h, inflateInit2: the largest window, and what is added to it or its sign for the three
// formats.
constexpr int zlib_window = MAX_WBITS;
constexpr int gzip_window = MAX_WBITS + 16;
constexpr int raw_window = -MAX_WBITS;

constexpr std::byte gzip_magic_0{0x1F};  // RFC 1952 §2.3.1
constexpr std::byte gzip_magic_1{0x8B};

// RFC 1950 §2.2: the method is deflate, the window at most 32 KiB, and the check bits fit.
bool is_zlib_header(std::byte method_byte, std::byte flag_byte) {
  const auto method = std::to_integer<unsigned>(method_byte);
  const auto flags = std::to_integer<unsigned>(flag_byte);
  return (method & 0x0FU) == 8 && (method >> 4U) <= 7 && (method * 256 + flags) % 31 == 0;
}

uInt clamped(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

}  // namespace

void inflater::stream_deleter::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

inflater::inflater(format what, std::uint64_t max_decoded_bytes)
    : content_stage(max_decoded_bytes), stream_(new z_stream_s{}), format_(what) {
  if (inflateInit2(stream_.get(), zlib_window) != Z_OK) throw std::bad_alloc();
}

bool inflater::may_end() const noexcept {
  return state_ == state::ignoring ||
         (state_ == state::awaits_magic && (stream_ended_ || magic_seen_ == 0));
}

inflater::progress inflater::decode_some(std::span<const std::byte> input,
                                         std::span<std::byte> output) {
  progress total{0, 0};
  while (total.produced < output.size()) {
    // A stream that ends within its first two bytes moves on without using input or output.
    const state before = state_;
    const progress step =
        decode_once(input.subspan(total.consumed), output.subspan(total.produced));
    if (step.consumed == 0 && step.produced == 0 && state_ == before) break;
    total.consumed += step.consumed;
    total.produced += step.produced;
  }
  return total;
}

inflater::progress inflater::decode_once(std::span<const std::byte> input,
                                         std::span<std::byte> output) {
  if (state_ == state::ignoring) return {input.size(), 0};
  if (state_ == state::awaits_magic) return {collect_magic(input), 0};
  std::size_t produced = 0;
  if (magic_used_ < magic_seen_) {
    const progress step = inflate_some(std::span(magic_).subspan(magic_used_), output);
    magic_used_ += step.consumed;
    produced = step.produced;
    if (state_ != state::in_stream || magic_used_ < magic_seen_) return {0, produced};
  }
  const progress step = inflate_some(input, output.subspan(produced));
  return {step.consumed, produced + step.produced};
}

std::size_t inflater::collect_magic(std::span<const std::byte> input) {
  const std::size_t taken = std::min(input.size(), magic_bytes - magic_seen_);
  std::copy_n(input.begin(), taken, magic_.begin() + static_cast<std::ptrdiff_t>(magic_seen_));
  magic_seen_ += taken;
  if (magic_seen_ == magic_bytes) begin_stream();
  return taken;
}

void inflater::begin_stream() {
  if (format_ == format::deflate) {
    reset_stream(is_zlib_header(magic_[0], magic_[1]) ? zlib_window : raw_window);
    return;
  }
  if (magic_[0] == gzip_magic_0 && magic_[1] == gzip_magic_1) {
    reset_stream(gzip_window);
    return;
  }
  if (!stream_ended_) {
    throw content_error("gzip data starts with " + hex_byte(static_cast<char>(magic_[0])) + " " +
                        hex_byte(static_cast<char>(magic_[1])) + ", which is no gzip header");
  }
  state_ = state::ignoring;
}

void inflater::reset_stream(int window_bits) {
  if (inflateReset2(stream_.get(), window_bits) != Z_OK) throw std::bad_alloc();
  magic_used_ = 0;
  state_ = state::in_stream;
}

inflater::progress inflater::inflate_some(std::span<const std::byte> input,
                                          std::span<std::byte> output) {
  if (output.empty()) return {0, 0};
  const uInt input_size = clamped(input.size());
  const uInt output_size = clamped(output.size());
  // zlib declares its input as writable, but does not write to it.
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream_->avail_in = input_size;
  stream_->next_out = reinterpret_cast<Bytef*>(output.data());
  stream_->avail_out = output_size;
  const int result = ::inflate(stream_.get(), Z_NO_FLUSH);
  const progress done{input_size - stream_->avail_in, output_size - stream_->avail_out};
  switch (result) {
    case Z_OK:
    case Z_BUF_ERROR:
      return done;  // the latter: nothing to be done with what was given
    case Z_STREAM_END:
      end_stream();
      return done;
    case Z_MEM_ERROR:
      throw std::bad_alloc();
    case Z_NEED_DICT:
      throw content_error(std::string(name()) + " data needs a preset dictionary");
    default:
      break;
  }
  const char* reason = stream_->msg != nullptr ? stream_->msg : "unknown error";
  throw content_error(std::string(name()) + " data is corrupt: " + reason);
}

// Another gzip member may follow; the end of deflate data is the end.
void inflater::end_stream() noexcept {
  stream_ended_ = true;
  magic_seen_ = 0;
  state_ = format_ == format::gzip ? state::awaits_magic : state::ignoring;
}

}  // namespace eddy::inline v1::http

#endif
