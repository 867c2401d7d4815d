// The reads that take more than one operation.
#include <cstring>

#include "quoted.hpp"
#include "stream_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* reading = "read from";
// Of a delimiter in a message.
constexpr std::size_t shown_bytes = 120;

// Bytes that are put back into the stream unless the read that took them has all it wanted.
class returnable {
 public:
  returnable(stream_state& s, std::span<std::byte> into) noexcept : stream_(s), into_(into) {
    count_ = s.take(into.data(), into.size());
  }
  returnable(const returnable&) = delete;
  returnable& operator=(const returnable&) = delete;
  ~returnable() {
    if (rest().empty() || count_ == 0) return;
    try {
      unread_bytes& kept = stream_.keep();
      kept.returned.assign(reinterpret_cast<const char*>(into_.data()), count_);
      kept.returned_begin = 0;
    } catch (...) {
      stream_.reads.fault = side_fault::no_memory_to_give_back;
    }
  }

  std::span<std::byte> rest() const noexcept { return into_.subspan(count_); }
  std::size_t count() const noexcept { return count_; }
  void add(std::size_t more) noexcept { count_ += more; }

 private:
  stream_state& stream_;
  std::span<std::byte> into_;
  std::size_t count_;
};

[[noreturn]] void fail_incomplete(const descriptor_ref& stream, std::size_t got,
                                  const std::string& wanted) {
  throw incomplete_read(described(reading, stream) + ": the stream ended after " +
                        std::to_string(got) + " bytes of " + wanted);
}

task<> read_exactly_from(descriptor_ref stream, std::span<std::byte> into) {
  descriptor_use turn(stream, direction::reading);
  turn.begin_or_throw(reading);
  returnable taken(stream_of(stream), into);
  while (!taken.rest().empty()) {
    read_awaiter step(stream, taken.rest(), true);
    const std::size_t got = co_await step;
    if (got == 0) fail_incomplete(stream, taken.count(), std::to_string(into.size()));
    taken.add(got);
  }
}

// One step of read_until: a buffer of the engine's, not yet given to anybody.
class block_awaiter final : public awaited_operation<block_awaiter> {
 public:
  explicit block_awaiter(const descriptor_ref& stream) noexcept
      : awaited_operation(op_code::receive), stream_(stream) {
    fd = stream.base()->fd;
  }
  received_block await_resume() {
    const int got = finish();
    if (got < 0) fail_descriptor(got, reading, stream_);
    received_block out;
    if (got == 0) return out;
    out.data = static_cast<std::byte*>(data);
    out.end = static_cast<std::size_t>(got);
    out.buffer = buffer;
    return out;
  }

 private:
  const descriptor_ref& stream_;
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

  [[noreturn]] void fail_limit(const descriptor_ref& stream) const {
    throw read_limit_exceeded(described(reading, stream) + ": no " +
                              quoted(delimiter_, shown_bytes) + " within the limit of " +
                              std::to_string(limit_) + " bytes");
  }

 private:
  std::string delimiter_;
  std::size_t limit_;
  std::size_t searched_ = 0;
};

// Room for unread bytes over a read_until.
class unread_room {
 public:
  explicit unread_room(stream_state& s) : stream_(s) { s.keep(); }
  unread_room(const unread_room&) = delete;
  unread_room& operator=(const unread_room&) = delete;
  ~unread_room() { stream_.tidy(); }

 private:
  stream_state& stream_;
};

// The part that ends with the delimiter, or nothing. Until it is there all bytes stay in the
// stream, so that an unfinished read has nothing to put back. What follows it stays in its buffer.
std::string take_until(const descriptor_ref& stream, delimiter_search& search) {
  stream_state& s = stream_of(stream);
  auto& [returned, returned_begin, rest] = *s.unread;
  std::string out;
  const std::size_t before = returned.size();
  if (before > 0) returned.append(rest.text());
  const std::string_view text = before > 0 ? returned : rest.text();
  const std::size_t found = search.in(text);
  if (found == 0 || search.exceeds(found, text.size())) {
    const bool over = search.exceeds(found, text.size());
    if (before == 0) returned.assign(text);
    s.drop_rest();
    if (over) search.fail_limit(stream);
    return out;
  }
  if (found < before) {
    returned.resize(before);
    out.assign(returned, 0, found);
    returned_begin = found;
    return out;
  }
  if (before == 0) {
    out.assign(text, 0, found);
  } else {
    out.swap(returned);
    out.resize(found);
  }
  rest.begin += found - before;
  if (rest.size() == 0) s.drop_rest();
  return out;
}

task<std::string> read_until_from(descriptor_ref stream, std::string delimiter, std::size_t limit) {
  delimiter_search search(std::move(delimiter), limit);
  descriptor_use turn(stream, direction::reading);
  turn.begin_or_throw(reading);
  stream_state& s = stream_of(stream);
  const unread_room room(s);
  unread_bytes& kept = *s.unread;
  kept.returned.erase(0, std::exchange(kept.returned_begin, 0));
  for (;;) {
    std::string out = take_until(stream, search);
    if (!out.empty()) co_return std::move(out);
    block_awaiter step(stream);
    kept.rest = co_await step;
    if (kept.rest.size() == 0) {
      fail_incomplete(stream, s.available(),
                      "a part that ends with " + quoted(search.delimiter(), shown_bytes));
    }
  }
}

}  // namespace
}  // namespace detail

task<> byte_stream::read_exactly(std::span<std::byte> into) {
  return detail::read_exactly_from(descriptor(), into);
}

task<std::string> byte_stream::read_until(std::string delimiter, std::size_t limit) {
  return detail::read_until_from(descriptor(), std::move(delimiter), limit);
}

}  // namespace eddy::inline v1
