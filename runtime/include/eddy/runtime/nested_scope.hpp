// Scopes inside another: what gather, with_timeout, race, shield and groups are made of.
#pragma once

#include <eddy/runtime/task.hpp>
#include <eddy/runtime/wait_list.hpp>

namespace eddy::inline v1::detail {

class nested_scope;

// The awaiter that opens scopes and waits until what runs in them has ended. It is the leaf of the
// scope it waits in; its on_cancel decides which of its scopes a cancellation reaches.
class scope_owner : public listed_waiter {
 public:
  // The body of `child` has ended: what it left is in child.body(). Returns who runs next: `frame`,
  // when there is nothing else to wait for; else std::noop_coroutine().
  virtual std::coroutine_handle<> child_ended(nested_scope& child) noexcept = 0;

 protected:
  scope_owner() noexcept {}
  ~scope_owner() = default;
};

// Lives in its owner's frame, and not shorter than its body runs.
class nested_scope final : public scope {
 public:
  nested_scope() noexcept {}
  // For std::vector, which moves only before anything has started.
  nested_scope(nested_scope&&) noexcept {}

  // What runs next may free this before the loop notes another scope that runs.
  std::coroutine_handle<> body_ended() noexcept override {
    loop->running = above_;
    return owner_->child_ended(*this);
  }

  // The body is then to be resumed: by transfer, or by schedule().
  void open(scope_owner& owner, scope& outer, std::coroutine_handle<> h,
            promise_base& promise) noexcept {
    owner_ = &owner;
    nest(outer);
    adopt(h, promise);
  }
  // The same for a body that a cancellation of `outer` does not reach.
  void open_shielded(scope_owner& owner, scope& outer, std::coroutine_handle<> h,
                     promise_base& promise) noexcept {
    open(owner, outer, h, promise);
    cancelled = false;
  }
  void start() noexcept { schedule(); }
  bool opened() const noexcept { return owner_ != nullptr; }

  void* note = nullptr;  // the owner's own: by what it finds the rest of a child

 private:
  scope_owner* owner_ = nullptr;
};

// Throws std::logic_error for a task that is empty or was awaited before.
template <class T>
void require_startable(const task<T>& t) {
  if (!t || t.frame().promise().where) throw_not_awaitable(!t);
}

}  // namespace eddy::inline v1::detail
