// A response into a file.
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/timeout.hpp>

#include "bytes_view.hpp"
#include "response_state.hpp"

namespace eddy::inline v1::http {

namespace {

// What is written at a time: each write is a call of its own, perhaps on another thread.
constexpr std::size_t piece_bytes = 64 * 1024;

}  // namespace

task<std::uint64_t> response_state::save(share self, std::string path) {
  self->claim();
  std::uint64_t saved = 0;
  try {
    file to = co_await self->open_in_time(std::move(path));
    co_await self->pipe_to(to, saved);
    co_await self->write_in_time(to.close());
  } catch (...) {
    self->fail_beside();
  }
  co_return std::uint64_t{saved};
}

task<> response_state::pipe_to(file& to, std::uint64_t& saved) {
  std::vector<std::byte> piece(piece_bytes);
  for (bool ended = false; !ended;) {
    std::size_t size = 0;
    while (!ended && size < piece.size()) {
      const std::size_t got = co_await pull(std::span(piece).subspan(size));
      ended = got == 0;
      size += got;
    }
    if (size > 0) co_await write_in_time(to.write_all(text_of(std::span(piece).first(size))));
    saved += size;
  }
}

// A call that a thread has begun is waited for; the next one is not begun then.
void response_state::begin_file_call() {
  limit_ = clock_.total();
  if (limit_.at <= now()) throw timeout_error("writing the file took too long");
}

task<file> response_state::open_in_time(std::string path) {
  begin_file_call();
  task<file> opening = file::open(std::move(path), file_mode::write);
  file to = co_await with_deadline(limit_.at, std::move(opening));
  co_return std::move(to);
}

task<> response_state::write_in_time(task<> call) {
  begin_file_call();
  co_await with_deadline(limit_.at, std::move(call));
}

}  // namespace eddy::inline v1::http
