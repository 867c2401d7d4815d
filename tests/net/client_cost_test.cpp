// What a request costs in memory, counted.
#include <array>
#include <cstdlib>
#include <new>

#include "../../net/http/spare_memory.hpp"
#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

// Sanitizers bring an operator new of their own, and with them nothing is recycled that they should
// see freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDDY_TESTS_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define EDDY_TESTS_COUNT_ALLOCATIONS 0
#endif
#endif
#ifndef EDDY_TESTS_COUNT_ALLOCATIONS
#define EDDY_TESTS_COUNT_ALLOCATIONS 1
#endif

using namespace eddy_tests;
using eddy::task;
using eddy::http::headers;
using eddy::http::read_buffers;
using eddy::http::request_memories;
using eddy::http::request_memory;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;
using eddy::http::spare_headers;

namespace {

thread_local std::size_t allocations = 0;

// Not under a tool that has put its own operator new in the place of ours.
bool allocations_are_counted() {
  const std::size_t before = allocations;
  ::operator delete(::operator new(1));
  return allocations > before;
}

}  // namespace

#if EDDY_TESTS_COUNT_ALLOCATIONS

// Of the whole test program: operator new[] and the others end here.
void* operator new(std::size_t size) {
  ++allocations;
  void* const p = std::malloc(size > 0 ? size : 1);
  if (!p) throw std::bad_alloc();
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

#endif

namespace {

constexpr std::size_t most_allocations = 4;

// Answers in the same memory again and again.
task<> answer_without_allocating(origin_peer* peer) {
  const std::string reply =
      "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n" +
      std::string(1024, 'x');
  constexpr std::string_view end_of_head = "\r\n\r\n";
  std::array<std::byte, 4096> asked;
  std::size_t size = 0;
  for (;;) {
    const std::size_t got = co_await peer->stream.read_some(std::span(asked).subspan(size));
    if (got == 0) co_return;
    size += got;
    const std::string_view head(reinterpret_cast<const char*>(asked.data()), size);
    if (!head.ends_with(end_of_head)) continue;
    size = 0;
    co_await peer->stream.write_all(reply);
  }
}

task<> get_once(session& client, const std::string& at) {
  std::array<std::byte, 4096> piece;
  std::size_t bytes = 0;
  response answer = co_await client.get(at);
  for (;;) {
    const std::size_t got = co_await answer.read_some(piece);
    if (got == 0) break;
    bytes += got;
  }
  const bool is_right = answer.status() == 200 && bytes == 1024;
  if (!is_right) throw std::runtime_error("not the response that was sent");
}

}  // namespace

TEST_CASE("a keep-alive GET makes at most 4 allocations" *
          doctest::skip(is_simulated() || !EDDY_TESTS_COUNT_ALLOCATIONS)) {
  if (!allocations_are_counted()) return;
  const auto main = []() -> task<> {
    scripted_origin origin(answer_without_allocating);
    session plain;
    session with_fields(session_options()
                            .header("X-One", "a value of some length, longer than most")
                            .header("Accept-Language", "en, de;q=0.5"));
    const std::string at = origin.url("/a/path/that/fits/into/no/string/object?and=a&query");
    for (session* client : {&plain, &with_fields}) {
      for (int i = 0; i < 20; ++i) co_await get_once(*client, at);
      constexpr std::size_t rounds = 100;
      const std::size_t before = allocations;
      for (std::size_t i = 0; i < rounds; ++i) co_await get_once(*client, at);
      const std::size_t made = allocations - before;
      CHECK(made > 0);
      CHECK(made <= most_allocations * rounds);
      CHECK(client->statistics().connects == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("spare read buffers are few, and used again") {
  read_buffers spare;
  std::vector<read_buffers::buffer> taken;
  for (std::size_t i = 0; i < read_buffers::most_kept + 5; ++i) taken.push_back(spare.take());
  CHECK(spare.kept() == 0);
  for (read_buffers::buffer& b : taken) spare.put_back(std::move(b));
  CHECK(spare.kept() == read_buffers::most_kept);
  const read_buffers::buffer again = spare.take();
  CHECK(again);
  CHECK(spare.kept() == read_buffers::most_kept - 1);
  spare.put_back(nullptr);
  CHECK(spare.kept() == read_buffers::most_kept - 1);
  spare.clear();
  CHECK(spare.kept() == 0);
}

TEST_CASE("what the fields of a response lay in is empty, little, and kept for few" *
          doctest::skip(!EDDY_TESTS_COUNT_ALLOCATIONS)) {
  spare_headers spare;
  headers used;
  used.add("Set-Cookie", "a=secret");
  spare.put_back(used);
  REQUIRE(spare.kept() == 1);
  headers next = spare.take();
  CHECK(next.empty());
  CHECK_FALSE(next.contains("Set-Cookie"));
  CHECK(spare.kept() == 0);
  headers nothing;
  spare.put_back(nothing);
  CHECK(spare.kept() == 0);
  headers large;
  large.add("X", std::string(spare_headers::most_bytes + 1, 'x'));
  spare.put_back(large);
  CHECK(spare.kept() == 0);
  for (std::size_t i = 0; i < spare_headers::most_kept + 5; ++i) {
    headers one;
    one.add("A", "b");
    spare.put_back(one);
  }
  CHECK(spare.kept() == spare_headers::most_kept);
}

TEST_CASE("what a request leaves behind is empty, little, and kept for few") {
  request_memories spare;
  request_memory used;
  used.fields.add("Authorization", "secret");
  used.head = "GET / HTTP/1.1\r\nAuthorization: secret\r\n\r\n";
  spare.put_back(used.head, used.fields);
  REQUIRE(spare.kept() == 1);
  request_memory next;
  spare.take(next.head, next.fields);
  CHECK(next.fields.empty());
  CHECK(next.head.empty());
  CHECK(next.head.capacity() > 30);
  CHECK(spare.kept() == 0);
  request_memory none;
  spare.take(none.head, none.fields);
  CHECK(none.head.empty());
  CHECK(none.head.capacity() < 30);

  request_memory large;
  large.head.assign(request_memories::most_bytes + 1, 'x');
  spare.put_back(large.head, large.fields);
  CHECK(spare.kept() == 0);
  request_memory with_large_field;
  with_large_field.fields.add("X", std::string(request_memories::most_bytes + 1, 'x'));
  spare.put_back(with_large_field.head, with_large_field.fields);
  CHECK(spare.kept() == 0);
  for (std::size_t i = 0; i < request_memories::most_kept + 5; ++i) {
    request_memory empty;
    spare.put_back(empty.head, empty.fields);
  }
  CHECK(spare.kept() == request_memories::most_kept);
}
