// The reads that take more than one operation.
#include <cstring>

#include "socket_state.hpp"
#include "url_text.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* reading = "read from";

// Holds the reading side of a stream over several operations.
class read_turn {
 public:
  explicit read_turn(const socket_ref& socket) : socket_(socket) {
    if (!socket_) refuse_use(socket_verdict::empty, reading, socket_, nullptr);
    socket_state& s = socket_of(socket_);
    const socket_verdict verdict = judge(socket_, s.reading, s.read_fault);
    if (verdict != socket_verdict::submitted) refuse_use(verdict, reading, socket_, s.read_fault);
    s.reading = true;
  }
  read_turn(const read_turn&) = delete;
  read_turn& operator=(const read_turn&) = delete;
  ~read_turn() { socket_of(socket_).reading = false; }

 private:
  const socket_ref& socket_;
};

// Bytes that are put back into the stream unless the read that took them has all it wanted.
class returnable {
 public:
  returnable(socket_state& s, std::span<std::byte> into) noexcept : socket_(s), into_(into) {
    count_ = s.take(into.data(), into.size());
  }
  returnable(const returnable&) = delete;
  returnable& operator=(const returnable&) = delete;
  ~returnable() {
    if (rest().empty() || count_ == 0) return;
    try {
      socket_.returned.assign(reinterpret_cast<const char*>(into_.data()), count_);
      socket_.returned_begin = 0;
    } catch (...) {
      socket_.read_fault = "no memory to keep the bytes of an unfinished read_exactly";
    }
  }

  std::span<std::byte> rest() const noexcept { return into_.subspan(count_); }
  std::size_t count() const noexcept { return count_; }
  void add(std::size_t more) noexcept { count_ += more; }

 private:
  socket_state& socket_;
  std::span<std::byte> into_;
  std::size_t count_;
};

[[noreturn]] void fail_incomplete(const socket_ref& socket, std::size_t got,
                                  const std::string& wanted) {
  throw incomplete_read(described(reading, socket) + ": the stream ended after " +
                        std::to_string(got) + " bytes of " + wanted);
}

task<> read_exactly_from(socket_ref socket, std::span<std::byte> into) {
  const read_turn turn(socket);
  returnable taken(socket_of(socket), into);
  while (!taken.rest().empty()) {
    read_awaiter step(socket, taken.rest(), true);
    const std::size_t got = co_await step;
    if (got == 0) fail_incomplete(socket, taken.count(), std::to_string(into.size()));
    taken.add(got);
  }
}

// One step of read_until: a buffer of the engine's, not yet given to anybody.
class block_awaiter final : public operation {
 public:
  explicit block_awaiter(const socket_ref& socket) noexcept
      : operation(op_code::receive), socket_(socket) {
    fd = socket.base()->fd;
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return submit();
  }
  received_block await_resume() {
    const int got = finish();
    if (got < 0) fail_socket(got, reading, socket_);
    received_block out;
    if (got == 0) return out;
    out.data = static_cast<std::byte*>(data);
    out.end = static_cast<std::size_t>(got);
    out.buffer = buffer;
    return out;
  }

 private:
  const socket_ref& socket_;
};

// Finds the delimiter in bytes that grow, looking at each once.
class delimiter_search {
 public:
  delimiter_search(std::string delimiter, std::size_t limit)
      : delimiter_(std::move(delimiter)), limit_(limit) {
    if (delimiter_.empty()) throw std::invalid_argument("read_until: the delimiter is empty");
  }

  const std::string& delimiter() const noexcept { return delimiter_; }

  // The size of `text` up to and including the delimiter; 0 if it is not there yet.
  std::size_t in(std::string_view text) noexcept {
    const std::size_t at = text.find(delimiter_, searched_);
    if (at != text.npos) return at + delimiter_.size();
    const std::size_t tail = delimiter_.size() - 1;
    searched_ = text.size() > tail ? text.size() - tail : 0;
    return 0;
  }

  bool exceeds(std::size_t found, std::size_t available) const noexcept {
    return found ? found > limit_ : available >= limit_;
  }

  [[noreturn]] void fail_limit(const socket_ref& socket) const {
    throw read_limit_exceeded(described(reading, socket) + ": no " +
                              url_syntax::quoted(delimiter_) + " within the limit of " +
                              std::to_string(limit_) + " bytes");
  }

 private:
  std::string delimiter_;
  std::size_t limit_;
  std::size_t searched_ = 0;
};

// The part that ends with the delimiter, or nothing. Until it is there all bytes stay in the
// stream, so that an unfinished read has nothing to put back. What follows it stays in its buffer.
std::string take_until(const socket_ref& socket, delimiter_search& search) {
  socket_state& s = socket_of(socket);
  std::string out;
  const std::size_t before = s.returned.size();
  if (before > 0) s.returned.append(s.rest.text());
  const std::string_view text = before > 0 ? s.returned : s.rest.text();
  const std::size_t found = search.in(text);
  if (found == 0 || search.exceeds(found, text.size())) {
    const bool over = search.exceeds(found, text.size());
    if (before == 0) s.returned.assign(text);
    s.drop_rest();
    if (over) search.fail_limit(socket);
    return out;
  }
  if (found < before) {
    s.returned.resize(before);
    out.assign(s.returned, 0, found);
    s.returned_begin = found;
    return out;
  }
  if (before == 0) {
    out.assign(text, 0, found);
  } else {
    out.swap(s.returned);
    out.resize(found);
  }
  s.rest.begin += found - before;
  if (s.rest.size() == 0) s.drop_rest();
  return out;
}

task<std::string> read_until_from(socket_ref socket, std::string delimiter, std::size_t limit) {
  delimiter_search search(std::move(delimiter), limit);
  const read_turn turn(socket);
  socket_state& s = socket_of(socket);
  s.returned.erase(0, std::exchange(s.returned_begin, 0));
  for (;;) {
    std::string out = take_until(socket, search);
    if (!out.empty()) co_return std::move(out);
    block_awaiter step(socket);
    s.rest = co_await step;
    if (s.rest.size() == 0) {
      fail_incomplete(socket, s.available(),
                      "a part that ends with " + url_syntax::quoted(search.delimiter()));
    }
  }
}

}  // namespace
}  // namespace detail

task<> tcp_stream::read_exactly(std::span<std::byte> into) {
  return detail::read_exactly_from(socket_, into);
}

task<std::string> tcp_stream::read_until(std::string delimiter, std::size_t limit) {
  return detail::read_until_from(socket_, std::move(delimiter), limit);
}

}  // namespace eddy::inline v1
