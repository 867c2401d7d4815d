#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/chunked.hpp"
#include "parse_trace.hpp"

namespace {

struct decoded {
  std::string data;
  std::string trailers;
  std::string error;
  std::size_t consumed = 0;
  bool complete = false;
};

decoded decode(const parse_trace::pieces& input,
               const eddy::http::limits& bounds = eddy::http::limits()) {
  using progress = eddy::http::chunked_decoder::progress;
  eddy::http::chunked_decoder decoder(bounds);
  decoded result;
  try {
    for (std::string_view piece : input) {
      const std::size_t size = piece.size();
      auto step = progress::data;
      while (step == progress::data) {
        step = decoder.feed(piece);
        if (step == progress::data) result.data.append(decoder.data());
      }
      result.consumed += size - piece.size();
      result.complete = step == progress::complete;
    }
    CHECK(decoder.decoded_bytes() == result.data.size());
    result.trailers = parse_trace::in_braces(decoder.trailers());
  } catch (const eddy::http::protocol_error& failure) {
    result.error = failure.what();
  }
  return result;
}

}  // namespace

TEST_CASE("chunked bodies, cut everywhere") {
  struct sample {
    std::string bytes;
    std::string data;
    std::string trailers = "{}";
  };
  const std::vector<sample> samples = {
      {"0\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
      {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"0000000000000005\r\nhello\r\n00\r\n\r\n", "hello"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
      {"5;name\r\nhello\r\n0;last=\"yes\"\r\n\r\n", "hello"},
      {"5 ; name = value\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5  \t\r\nhello\r\n0 \r\n\r\n", "hello"},
      {"1\r\nx\r\n0\r\nDigest: abc\r\nX:  y \r\n\r\n", "x", "{Digest: abc, X: y}"},
  };
  for (const sample& it : samples) {
    CAPTURE(it.bytes);
    for (const auto& cut : parse_trace::every_cut(it.bytes)) {
      const decoded result = decode(cut);
      CHECK(result.error == "");
      CHECK(result.complete);
      CHECK(result.data == it.data);
      CHECK(result.trailers == it.trailers);
      CHECK(result.consumed == it.bytes.size());
    }
    const std::string followed = it.bytes + "5\r\nnext";
    for (const auto& cut : parse_trace::every_cut(followed)) {
      const decoded result = decode(cut);
      CHECK(result.complete);
      CHECK(result.data == it.data);
      CHECK(result.consumed == it.bytes.size());
    }
    for (std::size_t size = 0; size < it.bytes.size(); ++size) {
      CHECK_FALSE(decode({std::string_view(it.bytes).substr(0, size)}).complete);
    }
  }
}

TEST_CASE("malformed chunked bodies, cut everywhere") {
  struct sample {
    std::string bytes;
    std::string message;
  };
  using namespace std::string_literals;
  const std::vector<sample> samples = {
      {"\r\n", "chunk size \"\" is not a hexadecimal number"},
      {"x\r\n", "chunk size \"x\" is not a hexadecimal number"},
      {"-1\r\n", "chunk size \"-1\" is not a hexadecimal number"},
      {"+1\r\n", "chunk size \"+1\" is not a hexadecimal number"},
      {" 5\r\n", "chunk size \" 5\" is not a hexadecimal number"},
      {"0x5\r\n", "chunk size line \"0x5\" goes on after the size"},
      {"5_0\r\n", "chunk size line \"5_0\" goes on after the size"},
      {"5 0\r\n", "chunk size line \"5 0\" goes on after the size"},
      {"5\rx\r\n", "chunk size line \"5\\x0dx\" goes on after the size"},
      {"5;a\rb\r\n", "chunk extension in \"5;a\\x0db\" holds the control byte 0x0d"},
      {"5;a\0b\r\n"s, "chunk extension in \"5;a\\x00b\" holds the control byte 0x00"},
      {"10000000000000000\r\n", "chunk size \"10000000000000000\" has more than 16 digits"},
      {"00000000000000005\r\n", "chunk size \"00000000000000005\" has more than 16 digits"},
      {"5\nhello\r\n", "bare LF after \"5\" in the chunk size line"},
      {"5;ext\nhello\r\n", "bare LF after \"5;ext\" in the chunk size line"},
      {"5\r\nhellox", "chunk data is followed by 0x78 instead of CRLF"},
      {"5\r\nhello\n0\r\n\r\n", "chunk data is followed by 0x0a instead of CRLF"},
      {"5\r\nhello\r0\r\n\r\n", "chunk data is followed by 0x30 instead of CRLF"},
      {"0\r\n\n", "bare LF after \"\" in the trailer section"},
      {"0\r\nno colon\r\n", "line \"no colon\" without a colon in the trailer section"},
      {"0\r\nA: b\r\n c\r\n\r\n", "folded line \" c\" in the trailer section"},
  };
  for (const sample& it : samples) {
    CAPTURE(it.bytes);
    for (const auto& cut : parse_trace::every_cut(it.bytes)) CHECK(decode(cut).error == it.message);
  }
}

TEST_CASE("the largest chunk size does not overflow") {
  const decoded result = decode({"ffffffffffffffff\r\nabc"});
  CHECK(result.data == "abc");
  CHECK(result.error == "");
  // Two of them are more than max_body_bytes can be.
  CHECK(decode({"1\r\nx\r\nffffffffffffffff\r\n"}).error ==
        "chunked body exceeds max_body_bytes (18446744073709551615) with a chunk of "
        "18446744073709551615 bytes after 1");
}

TEST_CASE("chunk extensions are bounded unless data pays for them") {
  const auto bounds = eddy::http::limits().max_chunk_extension_bytes(10);
  const std::string message = "chunk extensions exceed max_chunk_extension_bytes (10)";
  CHECK(decode({"1;345678910\r\nx\r\n0\r\n\r\n"}, bounds).complete);
  CHECK(decode({"1;3456789101\r\nx\r\n0\r\n\r\n"}, bounds).error == message);

  std::string one_byte_chunks;
  for (int i = 0; i < 9; ++i) one_byte_chunks += "1;2\r\nx\r\n";
  CHECK(decode({one_byte_chunks + "0\r\n\r\n"}, bounds).complete);
  for (int i = 0; i < 9; ++i) one_byte_chunks += "1;2\r\nx\r\n";
  CHECK(decode({one_byte_chunks}, bounds).error == message);

  std::string paid;
  for (int i = 0; i < 100; ++i) paid += "8;signed\r\n12345678\r\n";
  CHECK(decode({paid + "0\r\n\r\n"}, bounds).complete);

  const std::string endless = "1;" + std::string(40, 'x');
  for (const auto& cut : parse_trace::every_cut(endless)) {
    CHECK(decode(cut, bounds).error == "chunk size line exceeds max_chunk_extension_bytes (10)");
  }
  const auto unlimited = eddy::http::limits().max_chunk_extension_bytes(SIZE_MAX);
  CHECK(decode({endless + "\r\nx\r\n0\r\n\r\n"}, unlimited).complete);
}

TEST_CASE("chunked bodies and trailers are bounded") {
  const auto bounds =
      eddy::http::limits().max_body_bytes(8).max_trailer_bytes(10).max_header_count(1);
  CHECK(decode({"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n"}, bounds).complete);
  CHECK(decode({"5\r\nhello\r\n4\r\n"}, bounds).error ==
        "chunked body exceeds max_body_bytes (8) with a chunk of 4 bytes after 5");
  CHECK(decode({"0\r\nA: bcd\r\n\r\n"}, bounds).complete);
  CHECK(decode({"0\r\nA: bcde\r\n\r\n"}, bounds).error ==
        "trailer section exceeds max_trailer_bytes (10)");
  CHECK(decode({"0\r\nA:\r\nB:\r\n\r\n"}, bounds).error ==
        "trailer section has more fields than max_header_count (1)");
}

TEST_CASE("a decoder can be used again") {
  eddy::http::chunked_decoder decoder{eddy::http::limits()};
  using progress = eddy::http::chunked_decoder::progress;
  for (int round = 0; round < 2; ++round) {
    std::string_view input = "1\r\nx\r\n0\r\nA: b\r\n\r\n";
    CHECK(decoder.feed(input) == progress::data);
    CHECK(decoder.feed(input) == progress::complete);
    CHECK(decoder.feed(input) == progress::complete);
    CHECK(decoder.take_trailers().size() == 1);
    decoder.reset();
  }
}
