#include <array>

#include "../../runtime/selector/system.hpp"
#include "multipart_parts.hpp"

namespace eddy::inline v1::http {

namespace {

class multipart_source final : public body_source {
 public:
  multipart_source(std::unique_ptr<multipart_parts> parts, std::string boundary)
      : parts_(std::move(parts)), boundary_(std::move(boundary)) {}

  task<> start() override;
  std::uint64_t size() const noexcept override { return size_; }
  bool can_replay() const noexcept override;
  task<std::string_view> next() override;
  bool may_wait() const noexcept override;
  std::string content_type() const override { return "multipart/form-data; boundary=" + boundary_; }

 private:
  // Of the part that is next: its head, then its content.
  enum class stage : std::uint8_t { head, content, over };

  std::string_view frame();
  bool is_at_end() const noexcept { return at_ == parts_->entries.size(); }
  void next_part() noexcept;

  std::unique_ptr<multipart_parts> parts_;
  std::string boundary_;
  std::string frame_;
  std::uint64_t size_ = unknown_size;
  std::size_t at_ = 0;
  stage stage_ = stage::head;
};

// Asks each part for its size, so that all are there before anything is sent.
task<> multipart_source::start() {
  at_ = 0;
  stage_ = stage::head;
  bool known = true;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < parts_->entries.size(); ++i) {
    multipart_parts::entry& part = parts_->entries[i];
    frame_.clear();
    append_part_head(frame_, boundary_, part.head, i == 0);
    size += frame_.size();
    if (part.source) {
      co_await part.source->start();
      part.source->rest();
      known = known && part.source->size() != unknown_size;
      size += part.source->size();
    } else {
      size += part.content.size();
    }
  }
  frame_.clear();
  append_multipart_end(frame_, boundary_, parts_->entries.empty());
  size_ = known ? size + frame_.size() : unknown_size;
}

bool multipart_source::can_replay() const noexcept {
  for (const multipart_parts::entry& part : parts_->entries) {
    if (part.source && !part.source->can_replay()) return false;
  }
  return true;
}

bool multipart_source::may_wait() const noexcept {
  if (stage_ != stage::content) return false;
  const multipart_parts::entry& part = parts_->entries[at_];
  return part.source && part.source->may_wait();
}

// The head of the next part, or what ends the last one.
std::string_view multipart_source::frame() {
  frame_.clear();
  if (is_at_end()) {
    append_multipart_end(frame_, boundary_, at_ == 0);
    stage_ = stage::over;
  } else {
    append_part_head(frame_, boundary_, parts_->entries[at_].head, at_ == 0);
    stage_ = stage::content;
  }
  return frame_;
}

void multipart_source::next_part() noexcept {
  ++at_;
  stage_ = stage::head;
}

task<std::string_view> multipart_source::next() {
  for (;;) {
    if (stage_ == stage::over) co_return std::string_view();
    if (stage_ == stage::head) co_return frame();
    multipart_parts::entry& part = parts_->entries[at_];
    if (!part.source) {
      next_part();
      if (part.content.empty()) continue;
      co_return std::string_view(part.content);
    }
    const std::string_view piece = co_await part.source->next();
    if (!piece.empty()) co_return piece;
    part.source->rest();
    next_part();
  }
}

}  // namespace

std::unique_ptr<body_source> make_multipart_source(std::unique_ptr<multipart_parts> parts) {
  std::array<std::byte, boundary_random_bytes> random;
  const int failed = detail::system::fill_random(random.data(), random.size());
  if (failed < 0) detail::throw_os_error(failed, "entropy for a multipart boundary", nullptr);
  return std::make_unique<multipart_source>(std::move(parts), boundary_of(random));
}

}  // namespace eddy::inline v1::http
