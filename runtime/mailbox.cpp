#include "mailbox.hpp"

#include <utility>

#include "selector/engine.hpp"

namespace eddy::inline v1 {
namespace detail {

bool mailbox::send(mail& m) noexcept {
  const std::lock_guard lock(mutex_);
  if (!engine_) return false;
  m.next_mail = nullptr;
  if (last_) {
    last_->next_mail = &m;
  } else {
    first_ = &m;
  }
  last_ = &m;
  // Under the lock: close() cannot take the engine away meanwhile.
  if (std::exchange(sleeping_, false)) engine_->wake();
  return true;
}

mail* mailbox::take_all() noexcept {
  const std::lock_guard lock(mutex_);
  last_ = nullptr;
  return std::exchange(first_, nullptr);
}

bool mailbox::may_sleep() noexcept {
  const std::lock_guard lock(mutex_);
  sleeping_ = first_ == nullptr;
  return sleeping_;
}

void mailbox::awake() noexcept {
  const std::lock_guard lock(mutex_);
  sleeping_ = false;
}

void mailbox::close() noexcept {
  const std::lock_guard lock(mutex_);
  engine_ = nullptr;
}

namespace {

class posted final : public mail {
 public:
  explicit posted(callable<void()>&& fn) noexcept : fn_(std::move(fn)) {}
  void deliver() override {
    callable<void()> fn = std::move(fn_);
    delete this;
    fn();
  }
  void discard() noexcept { delete this; }

 private:
  ~posted() = default;
  callable<void()> fn_;
};

}  // namespace
}  // namespace detail

loop_handle::loop_handle(detail::mailbox* box) noexcept : box_(box) {
  if (box_) box_->hold();
}

loop_handle::loop_handle(const loop_handle& other) noexcept : loop_handle(other.box_) {}

loop_handle& loop_handle::operator=(const loop_handle& other) noexcept {
  if (other.box_) other.box_->hold();
  if (box_) box_->let_go();
  box_ = other.box_;
  return *this;
}

loop_handle::~loop_handle() {
  if (box_) box_->let_go();
}

bool loop_handle::send(detail::mail& m) const noexcept { return box_ && box_->send(m); }

bool loop_handle::post(callable<void()> fn) const {
  auto* m = new detail::posted(std::move(fn));
  if (send(*m)) return true;
  m->discard();
  return false;
}

}  // namespace eddy::inline v1
