// Memory that one request of a session leaves behind for the next.
#pragma once

#include <array>
#include <cstddef>
#include <eddy/net/http/headers.hpp>
#include <memory>
#include <string>
#include <vector>

namespace eddy::inline v1::http {

// Read buffers of connections with TLS that are between two exchanges. An idle connection holds
// none, so that many of them cost little; these are few, however many there are. One thread's.
class read_buffers {
 public:
  using buffer = std::unique_ptr<std::byte[]>;

  // A TLS record, the most that one read of a tls_stream brings.
  static constexpr std::size_t buffer_bytes = 16 * 1024;
  // Half a MiB.
  static constexpr std::size_t most_kept = 32;

  read_buffers() noexcept {}
  read_buffers(const read_buffers&) = delete;
  read_buffers& operator=(const read_buffers&) = delete;

  buffer take();
  void put_back(buffer used) noexcept;
  void clear() noexcept;
  std::size_t kept() const noexcept { return kept_; }

 private:
  std::array<buffer, most_kept> buffers_;
  std::size_t kept_ = 0;
};

// What the fields of a response lay in, with room for those of another. One thread's.
class spare_headers {
 public:
  // As many as are alive at once, where many responses are waited for and few are held.
  static constexpr std::size_t most_kept = 32;
  // Of one: what most heads fit in.
  static constexpr std::size_t most_bytes = 2 * 1024;

  spare_headers() noexcept {}
  spare_headers(const spare_headers&) = delete;
  spare_headers& operator=(const spare_headers&) = delete;

  // Empty.
  headers take() noexcept;
  void put_back(headers& used) noexcept;
  std::size_t kept() const noexcept { return kept_; }

 private:
  std::array<headers, most_kept> fields_;
  std::size_t kept_ = 0;
};

// What a request writes before it is sent: its fields, and the bytes that they become.
struct request_memory {
  std::string head;
  headers fields;
};

// The same of requests: empty, with room for one like the last. One thread's.
class request_memories {
 public:
  static constexpr std::size_t most_kept = 128;
  // Of one: a request with a small body rides in its head, and is not worth keeping.
  static constexpr std::size_t most_bytes = 2 * 1024;

  request_memories() : memories_(most_kept) {}
  request_memories(const request_memories&) = delete;
  request_memories& operator=(const request_memories&) = delete;

  // For a request's empty `head`, and for its fields if they are empty yet.
  void take(std::string& head, headers& fields) noexcept;
  void put_back(std::string& head, headers& fields) noexcept;
  std::size_t kept() const noexcept { return kept_; }

 private:
  std::vector<request_memory> memories_;  // the first `kept_` have something in them
  std::size_t kept_ = 0;
};

}  // namespace eddy::inline v1::http
