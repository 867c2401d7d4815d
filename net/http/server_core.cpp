#include "server_core.hpp"

#include <algorithm>
#include <eddy/runtime/cancellation.hpp>
#include <new>
#include <system_error>

#include "server_connection.hpp"

namespace eddy::inline v1::http {

namespace {

using namespace std::chrono_literals;

// How long to accept nothing when descriptors or memory are out, unless a connection ends before:
// trying at once would spin, as the connection stays in the kernel's queue.
constexpr auto accept_pause = 100ms;

// Waits for a task to its end in spite of a cancellation, which it passes on to the task: so
// nothing that the task has started outlives whoever waits here.
class whole_task final : public eddy::detail::join_base {
 public:
  explicit whole_task(eddy::detail::spawned* task) noexcept : join_base(task) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume() {
    try {
      finish();
    } catch (const task_cancelled&) {
      if (where->cancelled) eddy::detail::throw_cancelled();
      throw;
    }
    static_cast<eddy::detail::task_promise<void>&>(task_->body()).take();
  }
  void on_cancel() noexcept override {
    if (!task_->ended()) task_->cancel();
  }
};

bool is_out_of_resources(const std::error_code& code) {
  return code == std::errc::too_many_files_open ||
         code == std::errc::too_many_files_open_in_system || code == std::errc::no_buffer_space ||
         code == std::errc::not_enough_memory;
}

void open_connection(const server_core_ref& core, tcp_stream stream) {
  ++core->accepted;
  const auto slot = core->slots.emplace(core->slots.end());
  try {
    slot->task = spawn(serve_connection(core, slot, std::move(stream)), "http connection");
  } catch (...) {
    core->slots.erase(slot);
    throw;
  }
}

task<> wait_for_change(server_core_ref core) {
  core->changed.reset();
  co_await core->changed.wait();
}

task<> wait_for_all(server_core_ref core) {
  while (!core->slots.empty()) co_await wait_for_change(core);
}

// The next connection. True when accepting should pause.
task<bool> accept_one(server_core_ref core) {
  try {
    tcp_stream stream = co_await core->listener.accept();
    open_connection(core, std::move(stream));
    co_return false;
  } catch (const std::system_error& failure) {
    if (!core->stopping && !is_out_of_resources(failure.code())) throw;
  } catch (const std::bad_alloc&) {
  }
  co_return true;
}

task<> accept_until_stopped(server_core_ref core) {
  while (!core->stopping) {
    if (core->slots.size() >= core->max_connections) {
      co_await wait_for_change(core);
      continue;
    }
    const bool pause = co_await accept_one(core);
    if (!pause || core->stopping) continue;
    try {
      co_await with_timeout(accept_pause, wait_for_change(core));
    } catch (const timeout_error&) {
    }
  }
}

// The parent of all connections: it has not ended before they have.
task<> accept_and_finish(server_core_ref core) {
  std::exception_ptr failure;
  try {
    co_await accept_until_stopped(core);
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  core->stop();
  try {
    co_await with_timeout(core->grace, wait_for_all(core));
  } catch (const timeout_error&) {
    core->cancel_connections();
  }
  if (failure) std::rethrow_exception(failure);
}

// However serving ends, the port is free after it.
class serving_guard {
 public:
  explicit serving_guard(server_core& core) noexcept : core_(core) {}
  serving_guard(const serving_guard&) = delete;
  serving_guard& operator=(const serving_guard&) = delete;
  ~serving_guard() {
    core_.stop();
    // Connections that were cancelled before they ran have not removed themselves.
    core_.slots.clear();
  }

 private:
  server_core& core_;
};

}  // namespace

server_core::server_core(tcp_listener socket, server_options&& options)
    : max_connections(std::max<std::size_t>(options.max_connections_, 1)),
      idle_timeout(options.idle_timeout_),
      header_timeout(options.header_timeout_),
      read_timeout(options.read_timeout_),
      write_timeout(options.write_timeout_),
      grace(options.grace_),
      body_limit(options.body_limit_),
      bounds(http::limits(options.limits_).max_body_bytes(options.body_limit_)),
      tls(std::exchange(options.tls_, nullptr)),
      on_error(std::move(options.on_error_)),
      listener(std::move(socket)),
      address(listener.local_address()) {}

server_core::~server_core() { server_options::destroy(tls); }

void server_core::report(std::exception_ptr error, std::string_view during) {
  if (on_error) on_error(std::move(error), during);
}

void server_core::stop() noexcept {
  if (stopping) return;
  stopping = true;
  listener = tcp_listener();
  changed.set();
  for (served_connection& slot : slots) {
    // Only a wait in progress can be cut short; one that is over will look at `stopping`.
    eddy::detail::timeout_base* wait = slot.idle_wait;
    if (wait && wait->state == eddy::detail::wait_state::waiting) wait->fire();
  }
}

void server_core::cancel_connections() noexcept {
  for (served_connection& slot : slots) slot.task.cancel();
}

void server_core::forget(std::list<served_connection>::iterator slot) noexcept {
  slots.erase(slot);
  changed.set();
}

task<> run_server(server_core_ref core) {
  const serving_guard guard(*core);
  task<> body = accept_and_finish(core);
  auto frame = body.frame();
  eddy::detail::spawned* accepting =
      eddy::detail::spawned::start(frame, frame.promise(), "http server");
  (void)body.release();
  const join_handle<> handle(accepting);
  whole_task ending(accepting);
  co_await ending;
}

}  // namespace eddy::inline v1::http
