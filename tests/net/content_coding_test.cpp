// br and zstd: the codings beside those of zlib, and what they do in a stack.
#include "decoding.hpp"

#if EDDY_HAVE_ZSTD
#include <zstd.h>
#endif

using eddy::http::content_decoder;
using eddy::http::limits;
using namespace eddy_tests;
using namespace std::string_literals;

namespace {

[[maybe_unused]] void check_every_cut(std::string_view coding, const std::string& bytes,
                                      const std::string& data) {
  for (const auto& cut : parse_trace::every_cut(bytes)) {
    const decoded result = decode(coding, cut);
    CHECK(result.error == "");
    CHECK((result.data == data));
  }
  for (const std::size_t buffer_bytes : {1U, 2U, 7U, 64U}) {
    for (const auto& cut : {parse_trace::whole(bytes), parse_trace::byte_by_byte(bytes)}) {
      const decoded result = decode(coding, cut, buffer_bytes);
      CHECK(result.error == "");
      CHECK((result.data == data));
    }
  }
}

// The error of any cut, and the data that came before it is no other.
[[maybe_unused]] void check_error(std::string_view coding, const std::string& bytes,
                                  const std::string& error) {
  for (const auto& cut : parse_trace::every_cut(bytes)) CHECK(decode(coding, cut).error == error);
}

[[maybe_unused]] void check_truncated(std::string_view coding, const std::string& bytes,
                                      const std::string& data, const std::string& error) {
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const decoded result = decode(coding, {std::string_view(bytes).substr(0, size)});
    CAPTURE(size);
    CHECK(result.error == error);
    CHECK(data.starts_with(result.data));
  }
}

}  // namespace

TEST_CASE("what is offered is what this build can decode") {
  const std::string_view offered = eddy::http::accepted_encodings();
#if EDDY_HAVE_ZLIB && EDDY_HAVE_BROTLI && EDDY_HAVE_ZSTD
  CHECK(offered == "gzip, deflate, br, zstd");
#endif
  for (const std::string_view coding : {"gzip", "deflate", "br", "zstd"}) {
    const bool decodes = decode(coding, {}).error.empty();
    CHECK(decodes == (offered.find(coding) != std::string_view::npos));
  }
}

#if EDDY_HAVE_BROTLI

namespace {

const std::string brotli_text(
    "\x1B\x61\x01\x80\x1C\x09\x36\x4E\xF2\xB9\xEF\x15\xCB\xB2\x34\x36\x6F\xE8\xBF\xEF\x8A\xB0"
    "\x14\x88\x1B\xFC\xDB\x0E\x64\x8B\xFE\xB7\xB7\x80\x38\xA0\x68\x17\x74\x1E\x48\xE0\x21\x0B"
    "\x9F\x20\xA8\x0A\xFF\x65\x9E\x03\xA1\x68\x23\x34\xAD\x5C\xA9\x8A\x74\x38\x98\xB7\xCD\x58"
    "\x72\xAA\x06\xD2\xA6\xE1\x95\xA5\xD8\x00\xCD\x58\x42\x27\xCC\xE2\x1F\x42\x8F\xF0\x59\xFE"
    "\x89\x13\xE8\x8C\x9B\x87\xA1\x9A\xAF\x05\x67\x92\x76\x53\x9B\x22\x69\x0D\x2E\xF1\x00",
    109);
const std::string brotli_hi("\x8B\x00\x80hi\x03", 6);
const std::string brotli_zeros("\x5B\x9F\x86\x81\x7F\x02\x20\x1E\x0B\x04\xB2\xFC\x02\x00", 14);

}  // namespace

TEST_CASE("br, cut everywhere, through buffers of several sizes") {
  check_every_cut("br", brotli_text, sample_text());
  check_every_cut("BR", brotli_hi, "hi");
  check_every_cut("br", "\x06", "");
  check_every_cut("br", "", "");
}

TEST_CASE("br that is cut, corrupt or followed by other bytes is an error") {
  check_truncated("br", brotli_text, sample_text(), "br data is truncated");
  check_truncated("br", brotli_hi, "hi", "br data is truncated");
  check_error("br", brotli_hi + "x", "br data goes on after its end");
  check_error("br", brotli_hi + brotli_hi, "br data goes on after its end");
  // The second asks for a window beyond RFC 7932.
  for (const std::string bytes : {"\xFF\xFF\xFF\xFF\xFF", "\x11 large window"}) {
    CHECK(decode("br", {bytes}).error.starts_with("br data is corrupt: "));
    check_error("br", bytes, decode("br", {bytes}).error);
  }
}

TEST_CASE("br decodes no more than the caller has room for, and than the bound") {
  CHECK(decode("br", {brotli_zeros}, 4096, limits().max_decoded_bytes(100'000)).data.size() ==
        100'000);
  CHECK(decode("br", {brotli_zeros}, 4096, limits().max_decoded_bytes(99'999)).error ==
        "content decoded from br exceeds max_decoded_bytes (99999)");
  content_decoder decoder("br", limits());
  std::byte piece[100];
  const auto step = decoder.decode(eddy::http::bytes_of(brotli_zeros), piece);
  CHECK(step.produced == sizeof piece);
  CHECK(step.more);
}

#endif

#if EDDY_HAVE_ZSTD

namespace {

std::string frame_of(std::string_view data, int window_log = 0) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (window_log > 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  }
  std::string out(ZSTD_compressBound(data.size()) + 64, '\0');
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // Not ended in one call: the window would be made as small as the content is.
  if (window_log > 0) ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush);
  REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
  out.resize(to.pos);
  ZSTD_freeCCtx(context);
  return out;
}

const std::string skippable = "\x50\x2A\x4D\x18\x03\0\0\0abc"s;

}  // namespace

TEST_CASE("zstd, also in several frames, cut everywhere, through buffers of several sizes") {
  check_every_cut("zstd", frame_of(sample_text()), sample_text());
  check_every_cut("ZSTD", frame_of("hi"), "hi");
  check_every_cut("zstd", frame_of(""), "");
  check_every_cut("zstd", "", "");
  check_every_cut("zstd", frame_of("one ") + frame_of("") + frame_of("two"), "one two");
  check_every_cut("zstd", skippable + frame_of("a") + skippable + frame_of("b") + skippable, "ab");
  check_every_cut("zstd", "\x5F\x2A\x4D\x18\0\0\0\0"s, "");
}

TEST_CASE("zstd that is cut, corrupt or followed by other bytes is an error") {
  const std::string frame = frame_of(sample_text());
  check_truncated("zstd", frame, sample_text(), "zstd data is truncated");
  check_truncated("zstd", skippable, "", "zstd data is truncated");
  CHECK(decode("zstd", {frame, frame.substr(0, 3)}).error == "zstd data is truncated");
  std::string wrong_sum = frame;
  wrong_sum.back() ^= 1;
  check_error("zstd", wrong_sum, "zstd data is corrupt: Restored data doesn't match checksum");
  check_error("zstd", frame + "garbage",
              "zstd data has a frame that starts with 0x67 0x61, which is no zstd frame");
  check_error("zstd", "hello",
              "zstd data has a frame that starts with 0x68 0x65, which is no zstd frame");
  // Formats from before RFC 8878, which the library may know.
  check_error("zstd", "\x27\xB5\x2F\xFDxxxx",
              "zstd data has a frame that starts with 0x27 0xb5, which is no zstd frame");
  check_error("zstd", "\x28\xB5\x2F\xFD\x21\x07\x05\x29\0\0Hello"s, "zstd data needs a dictionary");
}

TEST_CASE("a zstd window of more than 8 MiB is refused, however the bytes come") {
  check_every_cut("zstd", frame_of("hello", 23), "hello");
  check_error("zstd", frame_of("hello", 24),
              "zstd data needs a window of more than 8388608 bytes (RFC 9659)");
  // Without a window of its own a frame needs one of its whole content, decoded in one go or not.
  std::string large = "\x28\xB5\x2F\xFD\xA0\x01\x00\x80\x00"s;
  for (int i = 0; i < 64; ++i) large += "\x02\x00\x10."s;  // 128 KiB of dots
  large += "\x0B\x00\x00."s;                            // the last one
  CHECK(large.size() < 300);
  CHECK(decode("zstd", {large}, 9U << 20U).error ==
        "zstd data needs a window of more than 8388608 bytes (RFC 9659)");
}

TEST_CASE("a zstd frame header that looks like another frame is only a header") {
  // 6477 zeros in one block, and 60000 bytes to skip.
  const std::string frame = "\x28\xB5\x2F\xFD\x50\x2A\x4D\x18\x6B\xCA\x00\x00"s;
  const std::string bytes = frame + "\x50\x2A\x4D\x18\x60\xEA\0\0"s + std::string(60'000, 'x');
  for (const std::size_t buffer_bytes : {100U, 16'384U}) {
    const decoded result = decode("zstd", {bytes}, buffer_bytes);
    CHECK(result.error == "");
    CHECK(result.data.size() == 6477);
  }
}

TEST_CASE("zstd decodes no more than the caller has room for, and than the bound") {
  const std::string bomb = frame_of(std::string(100'000, '\0'));
  CHECK(decode("zstd", {bomb}, 4096, limits().max_decoded_bytes(100'000)).data.size() == 100'000);
  CHECK(decode("zstd", {bomb}, 7, limits().max_decoded_bytes(99'999)).error ==
        "content decoded from zstd exceeds max_decoded_bytes (99999)");
  content_decoder decoder("zstd", limits());
  std::byte piece[100];
  const auto step = decoder.decode(eddy::http::bytes_of(bomb), piece);
  CHECK(step.produced == sizeof piece);
  CHECK(step.more);
}

TEST_CASE("a bomb that yields nothing is given up, in steps") {
  // Of skippable frames, 1 MiB each, compressed away.
  std::string frame = "\x50\x2A\x4D\x18\0\0\x10\0"s + std::string(1U << 20U, '\0');
  std::string frames;
  for (int i = 0; i < 16; ++i) frames += frame;
  std::string outer;
  for (int i = 0; i < 5; ++i) outer += frame_of(frames, 23);
  CHECK(outer.size() < 64 * 1024);

  content_decoder decoder("zstd, zstd", limits());
  auto rest = eddy::http::bytes_of(outer);
  std::byte piece[100];
  std::string error;
  int steps = 0;
  try {
    for (auto more = true; more; ++steps) {
      const auto step = decoder.decode(rest, piece);
      CHECK(step.produced == 0);
      rest = rest.subspan(step.consumed);
      more = step.more;
    }
  } catch (const eddy::http::content_error& failure) {
    error = failure.what();
  }
  CHECK(error == "zstd data yields nothing in more than 67108864 bytes (most_fruitless_bytes)");
  CHECK(steps >= 16);
  // A little less is just an empty content.
  CHECK(decode("zstd, zstd", {frame_of(frames, 23)}).error == "");
}

#if EDDY_HAVE_BROTLI
TEST_CASE("br within zstd") {
  check_every_cut("br, zstd", frame_of(brotli_hi), "hi");
  check_every_cut("br, zstd, zstd", frame_of(frame_of(brotli_text)), sample_text());
  check_error("br, zstd", frame_of(brotli_hi + "x"), "br data goes on after its end");
  check_error("br, zstd", frame_of(brotli_hi.substr(0, 4)), "br data is truncated");
}
#endif

#endif
