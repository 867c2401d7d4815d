#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "decoding.hpp"

#if EDDY_HAVE_ZLIB
#include <zlib.h>
#endif

using eddy::http::content_decoder;
using eddy::http::content_error;
using eddy::http::limits;
using namespace eddy_tests;

TEST_CASE("identity passes bytes unchanged") {
  for (const std::string_view coding : {"", "identity", " Identity , ,identity"}) {
    CHECK(content_decoder(coding, limits()).is_identity());
    CHECK(decode(coding, {"hello", " world"}, 3).data == "hello world");
  }
}

TEST_CASE("an unsupported coding is an error that names it") {
  const std::string offered(eddy::http::accepted_encodings());
  CHECK(decode("compress", {}).error ==
        "unsupported Content-Encoding \"compress\": this build decodes " + offered);
  CHECK(decode("x\x01", {}).error ==
        "unsupported Content-Encoding \"x\\x01\": this build decodes " + offered);
}

#if EDDY_HAVE_ZLIB

namespace {

constexpr int gzip_format = MAX_WBITS + 16;
constexpr int zlib_format = MAX_WBITS;
constexpr int raw_format = -MAX_WBITS;

std::string compress(std::string_view data, int format, int level = Z_DEFAULT_COMPRESSION) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(data.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct coded {
  std::string coding;
  std::string bytes;
  std::string data;
};

std::vector<coded> coded_samples() {
  const std::string text = sample_text();
  const std::string gzip = compress(text, gzip_format);
  return {
      {"gzip", gzip, text},
      {"x-gzip", gzip, text},
      {"GZip", gzip, text},
      {"identity, gzip", gzip, text},
      {"gzip", compress("", gzip_format), ""},
      {"gzip", compress("a", gzip_format) + compress("", gzip_format) + compress("b", gzip_format),
       "ab"},
      {"deflate", compress(text, zlib_format), text},
      {"deflate", compress(text, raw_format), text},
      {"deflate", compress("", zlib_format), ""},
      {"deflate", compress("", raw_format), ""},
      {"deflate", compress(text, raw_format, 0), text},
      // Stored blocks whose first byte could begin a zlib header; the second tells that it does
      // not.
      {"deflate", std::string("\x08\x02\x00\xFD\xFFhi\x01\x00\x00\xFF\xFF", 12), "hi"},
      {"gzip, deflate", compress(gzip, zlib_format), text},
      {"deflate, gzip, gzip",
       compress(compress(compress(text, raw_format), gzip_format), gzip_format), text},
  };
}

}  // namespace

TEST_CASE("compressed content, cut everywhere, through buffers of several sizes") {
  for (const coded& it : coded_samples()) {
    CAPTURE(it.coding);
    for (const auto& cut : parse_trace::every_cut(it.bytes)) {
      const decoded result = decode(it.coding, cut);
      CHECK(result.error == "");
      CHECK(result.data == it.data);
    }
    for (const std::size_t buffer_bytes : {1U, 2U, 7U, 64U}) {
      for (const auto& cut : {parse_trace::whole(it.bytes), parse_trace::byte_by_byte(it.bytes)}) {
        const decoded result = decode(it.coding, cut, buffer_bytes);
        CHECK(result.error == "");
        CHECK(result.data == it.data);
      }
    }
    CHECK_FALSE(content_decoder(it.coding, limits()).is_identity());
  }
}

TEST_CASE("truncated content is an error wherever it ends") {
  for (const coded& it : coded_samples()) {
    CAPTURE(it.coding);
    if (it.data == "ab") continue;  // between two members a content may end
    for (std::size_t size = 1; size < it.bytes.size(); ++size) {
      const decoded result = decode(it.coding, {std::string_view(it.bytes).substr(0, size)});
      CHECK(result.error.ends_with(" data is truncated"));
      CHECK(it.data.starts_with(result.data));
    }
  }
  const std::string member = compress("a", gzip_format);
  CHECK(decode("gzip", {member, member.substr(0, 5)}).error == "gzip data is truncated");
}

TEST_CASE("no data at all is an empty content") {
  CHECK(decode("gzip", {}).error == "");
  CHECK(decode("deflate, gzip", {""}).error == "");
}

TEST_CASE("bytes after the content are ignored") {
  using namespace std::string_literals;
  for (const std::string& text : {sample_text(), ""s}) {
    for (const std::string& garbage : {"\0\0\0\0"s, "x"s, "\x1F"s, "\x1F\x1F more"s, "garbage"s}) {
      for (const auto& [coding, format] :
           {std::pair("gzip", gzip_format), std::pair("deflate", zlib_format),
            std::pair("deflate", raw_format)}) {
        const std::string bytes = compress(text, format) + garbage;
        for (const auto& cut : parse_trace::every_cut(bytes)) {
          const decoded result = decode(coding, cut);
          CHECK(result.error == "");
          CHECK(result.data == text);
        }
      }
    }
  }
}

TEST_CASE("corrupt content is an error that says why") {
  const std::string text = sample_text();
  std::string wrong_check = compress(text, gzip_format);
  wrong_check[wrong_check.size() - 5] ^= 1;
  std::string wrong_length = compress(text, gzip_format);
  wrong_length.back() ^= 1;
  std::string wrong_adler = compress(text, zlib_format);
  wrong_adler.back() ^= 1;
  std::string with_dictionary = compress(text, zlib_format);
  with_dictionary.replace(0, 2, "\x78\xBB\x01\x02\x03\x04", 6);
  struct sample {
    std::string coding;
    std::string bytes;
    std::string error;
  };
  const std::vector<sample> samples = {
      {"gzip", "hello", "gzip data starts with 0x68 0x65, which is no gzip header"},
      {"gzip", wrong_check, "gzip data is corrupt: incorrect data check"},
      {"gzip", wrong_length, "gzip data is corrupt: incorrect length check"},
      {"deflate", wrong_adler, "deflate data is corrupt: incorrect data check"},
      {"deflate", "\xFF\xFF\xFF", "deflate data is corrupt: invalid block type"},
      {"deflate", with_dictionary, "deflate data needs a preset dictionary"},
      {"gzip", compress("a", gzip_format) + "\x1F\x8B\x01\x01",
       "gzip data is corrupt: unknown compression method"},
  };
  for (const sample& it : samples) {
    CAPTURE(it.error);
    for (const auto& cut : parse_trace::every_cut(it.bytes)) {
      CHECK(decode(it.coding, cut).error == it.error);
    }
  }
}

TEST_CASE("decoded bytes are bounded, also between stacked codings") {
  const std::string zeros(100'000, '\0');
  const std::string bomb = compress(zeros, gzip_format);
  CHECK(decode("gzip", {bomb}, 4096, limits().max_decoded_bytes(100'000)).data.size() == 100'000);
  const std::string message = "content decoded from gzip exceeds max_decoded_bytes (99999)";
  CHECK(decode("gzip", {bomb}, 4096, limits().max_decoded_bytes(99'999)).error == message);
  CHECK(decode("gzip", parse_trace::byte_by_byte(bomb), 7, limits().max_decoded_bytes(99'999))
            .error == message);

  // The inner content is empty, but hides behind 100,000 ignored bytes.
  const std::string inner = compress(compress("", raw_format) + zeros, gzip_format);
  CHECK(decode("deflate, gzip", {inner}).error == "");
  CHECK(decode("deflate, gzip", {inner}, 4096, limits().max_decoded_bytes(99'999)).error ==
        message);
}

TEST_CASE("a bomb puts out no more than the caller has room for") {
  const std::string bomb = compress(std::string(10'000'000, '\0'), gzip_format);
  content_decoder decoder("gzip", limits());
  std::array<std::byte, 100> buffer;
  const auto step = decoder.decode(eddy::http::bytes_of(bomb), buffer);
  CHECK(step.produced == buffer.size());
  CHECK(step.consumed < bomb.size());
}

TEST_CASE("stacked codings are bounded") {
  CHECK_NOTHROW(content_decoder("gzip, gzip, gzip, gzip, gzip", limits()));
  CHECK(decode("gzip, gzip, gzip, gzip, gzip, gzip", {}).error ==
        "Content-Encoding \"gzip, gzip, gzip, gzip, gzip, gzip\" stacks more codings than "
        "max_content_codings (5)");
}

TEST_CASE("a decoder can be moved") {
  content_decoder first("gzip", limits());
  const std::string bytes = compress("hello", gzip_format);
  std::string out;
  std::array<std::byte, 100> buffer;
  decode_to(first, std::string_view(bytes).substr(0, 12), buffer, out);
  content_decoder second = std::move(first);
  decode_to(second, std::string_view(bytes).substr(12), buffer, out);
  second.finish();
  CHECK(out == "hello");
  CHECK(eddy::http::accepted_encodings().starts_with("gzip, deflate"));
}

#endif
