#include "lane.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace eddy::inline v1::detail {

struct lane::state {
  struct worker {
    std::thread thread;
    bool busy = false;
  };

  std::mutex mutex;
  std::condition_variable work;
  job* first = nullptr;
  job* last = nullptr;
  std::size_t queued = 0;
  std::size_t idle = 0;
  bool stopping = false;
  std::vector<worker> workers;

  void push(job& j) noexcept {
    j.next_job = nullptr;
    j.prev_job = last;
    j.queued = true;
    if (last) {
      last->next_job = &j;
    } else {
      first = &j;
    }
    last = &j;
    ++queued;
  }

  bool unlink(job& j) noexcept {
    if (!j.queued) return false;
    j.queued = false;
    (j.prev_job ? j.prev_job->next_job : first) = j.next_job;
    (j.next_job ? j.next_job->prev_job : last) = j.prev_job;
    --queued;
    return true;
  }

  void serve(std::size_t self) {
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      work.wait(lock, [this] { return stopping || first; });
      --idle;
      if (!first) return;
      job& next = *first;
      unlink(next);
      workers[self].busy = true;
      lock.unlock();
      next.run();
      lock.lock();
      workers[self].busy = false;
    }
  }
};

void lane::submit(job& j) {
  if (!state_) state_ = std::make_shared<state>();
  const std::lock_guard lock(state_->mutex);
  state& s = *state_;
  s.push(j);
  if (s.idle >= s.queued || s.workers.size() >= most_threads_) {
    s.work.notify_one();
    return;
  }
  const std::size_t self = s.workers.size();
  try {
    s.workers.emplace_back();
    s.workers.back().thread = std::thread([keep = state_, self] { keep->serve(self); });
  } catch (...) {
    if (s.workers.size() > self) s.workers.pop_back();
    if (!s.workers.empty()) return;  // the others will come to it
    s.unlink(j);
    throw;
  }
}

bool lane::withdraw(job& j) noexcept {
  if (!state_) return false;
  const std::lock_guard lock(state_->mutex);
  return state_->unlink(j);
}

lane::~lane() {
  if (!state_) return;
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (state::worker& w : state_->workers) {
      if (w.busy) {
        w.thread.detach();
      } else {
        ending.push_back(std::move(w.thread));
      }
    }
  }
  state_->work.notify_all();
  for (std::thread& t : ending) t.join();
}

void run_apart(job& j) {
  std::thread([&j] { j.run(); }).detach();
}

}  // namespace eddy::inline v1::detail
