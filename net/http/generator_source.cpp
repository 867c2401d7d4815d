#include <eddy/net/http/error.hpp>

#include "body_source.hpp"

namespace eddy::inline v1::http {

namespace {

class generator_source final : public body_source {
 public:
  generator_source(generator<std::string> pieces, std::uint64_t size) noexcept
      : pieces_(std::move(pieces)), size_(size) {}

  task<> start() override { co_return; }
  std::uint64_t size() const noexcept override { return size_; }
  bool can_replay() const noexcept override { return false; }
  task<std::string_view> next() override;
  bool may_wait() const noexcept override { return true; }

 private:
  void check_size(bool ended) const;

  generator<std::string> pieces_;
  std::string piece_;
  std::uint64_t size_;
  std::uint64_t yielded_ = 0;
};

void generator_source::check_size(bool ended) const {
  if (size_ == unknown_size) return;
  if (yielded_ > size_ || (ended && yielded_ < size_)) {
    throw invalid_request("a body was declared to have " + std::to_string(size_) +
                          " bytes, and its generator yields " + (ended ? "" : "at least ") +
                          std::to_string(yielded_));
  }
}

// Asks for the end also when everything declared has come: a generator may have more, or clean up.
task<std::string_view> generator_source::next() {
  for (;;) {
    auto yielded = co_await pieces_.next();
    if (!yielded) break;
    if (yielded->empty()) continue;
    piece_ = std::move(*yielded);
    yielded_ += piece_.size();
    check_size(false);
    co_return std::string_view(piece_);
  }
  check_size(true);
  co_return std::string_view();
}

}  // namespace

std::unique_ptr<body_source> make_generator_source(generator<std::string> pieces,
                                                   std::uint64_t size) {
  return std::make_unique<generator_source>(std::move(pieces), size);
}

}  // namespace eddy::inline v1::http
