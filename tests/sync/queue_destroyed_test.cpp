// A queue that is destroyed while tasks wait for it: debug builds name it and abort.
#ifndef NDEBUG
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>
#include <optional>
#include <string>

#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::queue;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

namespace {

// What a process of its own says when it runs `misuse`, if that aborts it.
std::string last_words(task<> (*misuse)()) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    eddy::run(misuse());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char piece[512];
  for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) text = "it went on: " + text;
  return text;
}

task<> with_a_getter() {
  std::optional<queue<int>> q(std::in_place);
  auto getter = spawn(get_one(*q));
  co_await eddy::yield();
  q.reset();
}
task<> with_a_putter() {
  std::optional<queue<int>> q(std::in_place, 1);
  CHECK(q->try_put(1));
  auto putter = spawn(put_one(*q, 2));
  co_await eddy::yield();
  q.reset();
}
task<> with_a_joiner() {
  std::optional<queue<int>> q(std::in_place);
  CHECK(q->try_put(1));
  auto joiner = spawn([](queue<int>& items) -> task<> { co_await items.join(); }(*q));
  co_await eddy::yield();
  q.reset();
}
task<> with_a_promise() {
  std::optional<queue<int>> q(std::in_place);
  auto getter = spawn(get_one(*q));
  co_await eddy::yield();
  CHECK(q->try_put(1));
  q.reset();
}
task<> with_nobody() {
  queue<int> q;
  CHECK(q.try_put(1));
  co_return;
}

bool names(const std::string& text, const char* what) {
  return !text.starts_with("it went on") && text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("queue: destroyed while tasks wait for it is named") {
  const char* waiting = "a queue was destroyed while tasks wait for it";
  CHECK(names(last_words(with_a_getter), waiting));
  CHECK(names(last_words(with_a_putter), waiting));
  CHECK(names(last_words(with_a_joiner), waiting));
  CHECK(names(last_words(with_a_promise), "destroyed before a task that it woke has run"));
  CHECK(last_words(with_nobody) == "it went on: ");
}
#endif
