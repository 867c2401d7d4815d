// Lanes of the simulated world: jobs run on the loop's own thread, inside engine::wait, as if they
// had taken a while on another. What a job does is done at its end.
#include "../lane.hpp"

#include <utility>

#include "world.hpp"

namespace eddy::inline v1::detail {

using simulation::trace;
using simulation::world;

namespace {

// How long a job takes: what handing work to a thread and back costs, if nothing is known of the
// work. A seed makes it up to a thousand times that.
constexpr std::int64_t usual_job_ns = 20'000;
constexpr std::uint64_t longest_job_ns = 20'000'000;
// From a job's submission, if a thread is free, until it cannot be withdrawn any more.
constexpr std::int64_t usual_start_ns = 5'000;
constexpr std::uint64_t longest_start_ns = 1'000'000;

std::int64_t draw(world& w, std::int64_t usual, std::uint64_t longest) noexcept {
  return w.calm() ? usual : static_cast<std::int64_t>(w.chances.small(longest));
}

}  // namespace

struct lane::state {
  state(world& w, unsigned most) noexcept : home(w), most_threads(most) {}

  void push(job& j) noexcept {
    j.next_job = nullptr;
    j.prev_job = last;
    j.queued = true;
    (last ? last->next_job : first) = &j;
    last = &j;
  }
  void unlink(job& j) noexcept {
    j.queued = false;
    (j.prev_job ? j.prev_job->next_job : first) = j.next_job;
    (j.next_job ? j.next_job->prev_job : last) = j.prev_job;
  }

  world& home;
  job* first = nullptr;
  job* last = nullptr;
  unsigned most_threads;
  unsigned threads = 0;  // at work, or about to look for some

  class worker;
};

// A thread, from when it hears of work until there is none. Owns itself.
class lane::state::worker final : public simulation::event {
 public:
  static void employ(std::shared_ptr<state> s) {
    ++s->threads;
    world& place = s->home;
    const std::int64_t start = place.in(draw(place, usual_start_ns, longest_start_ns));
    place.at(start, *new worker(std::move(s)));
  }

  void happen() noexcept override {
    finish();
    taken_ = for_->first;
    if (!taken_) {
      --for_->threads;
      delete this;
      return;
    }
    for_->unlink(*taken_);
    world& place = for_->home;
    place.note(trace::job, std::uint64_t{0});
    const std::int64_t known = taken_->simulated_ns;
    place.at(place.in(known > 0 ? known : draw(place, usual_job_ns, longest_job_ns)), *this);
  }
  // What a thread has begun goes on when nobody waits for it any more.
  void abandon() noexcept override {
    finish();
    delete this;
  }

 private:
  explicit worker(std::shared_ptr<state>&& s) noexcept : for_(std::move(s)) {}
  ~worker() = default;

  void finish() noexcept {
    if (!taken_) return;
    for_->home.note(trace::job, std::uint64_t{1});
    std::exchange(taken_, nullptr)->run();
  }

  std::shared_ptr<state> for_;
  job* taken_ = nullptr;
};

void lane::submit(job& j) {
  if (!state_) state_ = std::make_shared<state>(simulation::here(), most_threads_);
  state_->push(j);
  if (state_->threads < state_->most_threads) state::worker::employ(state_);
}

bool lane::withdraw(job& j) noexcept {
  if (!j.queued) return false;
  state_->unlink(j);
  return true;
}

// What was submitted is done, as threads would; what they have begun ends with the world.
lane::~lane() {
  if (!state_) return;
  while (job* j = state_->first) {
    state_->unlink(*j);
    j->run();
  }
}

// It may take for ever, but not here.
void run_apart(job& j) { j.run(); }

}  // namespace eddy::inline v1::detail
