// Words for what is expected of streams, and of tasks that wait.
#pragma once

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/stream.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace eddy_tests {

// Turns that are enough for what a spawned task does on the loopback interface, when nothing can be
// awaited because it is meant not to happen.
inline constexpr int settling_turns = 8;

inline eddy::task<> settle() {
  for (int i = 0; i < settling_turns * eddy::detail::turn_budget; ++i) co_await eddy::yield();
}

// What `body` throws, as the text of an `Error`; empty if it throws nothing.
template <class Error, class T>
eddy::task<std::string> failure_of(eddy::task<T> body) {
  std::string text;
  try {
    co_await std::move(body);
  } catch (const Error& e) {
    text = e.what();
  }
  co_return text;
}

// The class of error that a wait ended with; "" for none, "cancelled" is not caught.
template <class T>
eddy::task<std::string> code_of(eddy::task<T> body) {
  std::string name;
  try {
    co_await std::move(body);
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::operation_canceled) {
      name = "operation_canceled";
    } else if (e.code() == std::errc::bad_file_descriptor) {
      name = "bad_file_descriptor";
    } else {
      name = e.what();
    }
  }
  co_return std::move(name);
}

// True if joining the task says that it was cancelled.
template <class T>
eddy::task<bool> was_cancelled(eddy::join_handle<T> h) {
  bool cancelled = false;
  try {
    co_await h.join();
  } catch (const eddy::task_cancelled&) {
    cancelled = true;
  }
  co_return cancelled;
}

// Lets it run until it waits, cancels it, and awaits its end.
template <class T>
eddy::task<bool> cancel_waiting(eddy::join_handle<T> h) {
  co_await settle();
  if (h.done()) co_return false;
  h.cancel();
  const bool cancelled = co_await was_cancelled(std::move(h));
  co_return cancelled;
}

// True if it still waits after a short time.
template <class T>
eddy::task<bool> times_out(eddy::task<T> body,
                           std::chrono::milliseconds limit = std::chrono::milliseconds(5)) {
  bool late = false;
  try {
    co_await eddy::with_timeout(limit, std::move(body));
  } catch (const eddy::timeout_error&) {
    late = true;
  }
  co_return late;
}

// The waits of a stream as tasks, for spawn and failure_of. The stream outlives them.
inline eddy::task<std::size_t> read_into(eddy::byte_stream& s, std::span<std::byte> into) {
  const std::size_t got = co_await s.read_some(into);
  co_return got;
}

inline eddy::task<std::string> read_text(eddy::byte_stream& s, std::size_t most = 4096) {
  std::string text(most, '\0');
  const std::size_t got = co_await s.read_some(std::as_writable_bytes(std::span(text)));
  text.resize(got);
  co_return std::move(text);
}

inline eddy::task<std::string> receive_text(eddy::byte_stream& s) {
  const eddy::lease got = co_await s.receive();
  co_return std::string(got.text());
}

inline eddy::task<std::string> read_to_end(eddy::byte_stream& s) {
  std::string all;
  while (true) {
    const eddy::lease got = co_await s.receive();
    if (got.empty()) break;
    all.append(got.text());
  }
  co_return std::move(all);
}

inline eddy::task<> write_text(eddy::byte_stream& s, std::string text) {
  co_await s.write_all(text);
}

inline eddy::task<> close_stream(eddy::byte_stream& s) { co_await s.close(); }

// More than the kernel buffers for one connection.
inline std::string large_text() {
  std::string text(std::size_t{16} << 20, '\0');
  std::uint32_t x = 1;
  for (char& c : text) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return text;
}

}  // namespace eddy_tests
