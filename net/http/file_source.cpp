#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/file.hpp>
#include <optional>

#include "body_source.hpp"

namespace eddy::inline v1::http {

namespace {

// One read. The copy is small beside the thread that it may go through, and four TLS records.
constexpr std::size_t piece_bytes = 64 * 1024;

class file_source final : public body_source {
 public:
  explicit file_source(std::string path) : path_(std::move(path)) {}

  task<> start() override;
  std::uint64_t size() const noexcept override { return size_; }
  // What has no size, as a FIFO, is gone once it has been read.
  bool can_replay() const noexcept override { return size_ != unknown_size; }
  task<std::string_view> next() override;
  void rest() noexcept override {
    if (can_replay()) file_.reset();
  }

 private:
  task<> open();

  std::string path_;
  std::optional<file> file_;
  std::unique_ptr<std::byte[]> piece_;
  std::uint64_t size_ = unknown_size;
  std::uint64_t sent_ = 0;
};

task<> file_source::open() {
  file opened = co_await file::open(path_, file_mode::read);
  file_ = std::move(opened);
}

task<> file_source::start() {
  co_await open();
  size_ = co_await file_->size();
  sent_ = 0;
}

// A file that grows is sent as long as it was announced.
task<std::string_view> file_source::next() {
  if (!piece_) piece_.reset(new std::byte[piece_bytes]);
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, size_ - sent_));
  if (room == 0) co_return std::string_view();
  if (!file_) co_await open();
  const std::size_t got = co_await file_->read_some(std::span(piece_.get(), room));
  if (got == 0 && size_ != unknown_size) {
    throw error("the file " + path_ + " ended after " + std::to_string(sent_) + " of the " +
                std::to_string(size_) + " bytes that it had when the request began");
  }
  if (size_ != unknown_size) sent_ += got;
  co_return std::string_view(reinterpret_cast<const char*>(piece_.get()), got);
}

}  // namespace

std::unique_ptr<body_source> make_file_source(std::string path) {
  return std::make_unique<file_source>(std::move(path));
}

}  // namespace eddy::inline v1::http
