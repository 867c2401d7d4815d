// What is done about a program that waits for ever.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../loop_state.hpp"
#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// One task, by its name and where it waits, as in "main" (chat.cpp:12).
std::string described(const spawned& s) {
  const std::string_view path = s.body->at.file_name();
  const std::size_t slash = path.rfind('/');
  std::string text = "\"" + std::string(s.name()) + "\" (";
  text.append(slash == path.npos ? path : path.substr(slash + 1));
  return text + ":" + std::to_string(s.body->at.line()) + ")";
}

std::string describe(const loop_state& loop, std::uint64_t seed) {
  std::string text = "deadlock: nothing can happen any more, and these tasks wait:";
  for (const spawned* s = loop.roots; s; s = s->sibling()) {
    if (!s->ended()) text += " " + described(*s);
  }
  return text + "; seed " + std::to_string(seed);
}

[[noreturn]] void give_up(const std::string& text) {
  std::fprintf(stderr, "%s; cancelled, they go on waiting\n", text.c_str());
  std::abort();
}

}  // namespace

void report_deadlock(world& w, loop_core* core, unsigned times) noexcept {
  if (!core) return;
  loop_state& loop = state_of(*core);
  const std::string text = describe(loop, w.chosen().seed);
  constexpr unsigned most_times = 1000;
  if (times > most_times) give_up(text);
  if (!loop.first_error) loop.first_error = std::make_exception_ptr(sim::deadlock(text));
  if (times == 1 && loop.main_task) {
    loop.main_task->cancel();
  } else {
    for (spawned* s = loop.roots; s; s = s->sibling()) s->cancel();
  }
}

}  // namespace eddy::inline v1::detail::simulation
