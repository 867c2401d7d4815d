// What is done about a program that does not end.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../loop_state.hpp"
#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// How often a loop is told before the process is given up. Main, and then the rest, are cancelled
// at the first and second time; some cleanup may wait for what never comes after that.
constexpr unsigned most_times = 10;
// Tasks that a message names.
constexpr unsigned most_named = 20;

// One task, by its name and where it waits, as in "main" (chat.cpp:12).
std::string described(const spawned& s) {
  const std::source_location at = s.has_body() ? s.body().at.place() : std::source_location();
  const std::string_view path = at.file_name();
  const std::size_t slash = path.rfind('/');
  std::string text = "\"";
  text.append(s.name()).append("\" (");
  text.append(slash == path.npos ? path : path.substr(slash + 1));
  return text.append(":").append(std::to_string(at.line())).append(")");
}

void name_tasks(const spawned* first, unsigned& left, std::string& text) {
  for (const spawned* s = first; s && left > 0; s = s->sibling()) {
    if (s->ended()) continue;
    --left;
    text.append(" ").append(described(*s));
    name_tasks(s->first_child, left, text);
  }
}

std::string describe(const loop_state& loop, stuck how, const world& w) {
  std::string text = how == stuck::deadlock
                         ? "deadlock: nothing is left to happen, and these tasks wait:"
                         : "livelock: not ended after " +
                               std::to_string(w.chosen().turn_limit) + " turns are these tasks:";
  unsigned left = most_named;
  name_tasks(loop.roots, left, text);
  return text;
}

std::exception_ptr reason(stuck how, const std::string& text) {
  if (how == stuck::deadlock) return std::make_exception_ptr(sim::deadlock(text));
  return std::make_exception_ptr(sim::livelock(text));
}

[[noreturn]] void give_up(const std::string& text) {
  std::fprintf(stderr, "%s. They were cancelled, and go on.\n", text.c_str());
  std::abort();
}

}  // namespace

void end_program(const world& w, loop_core& core, stuck how, unsigned times) noexcept {
  loop_state& loop = state_of(core);
  const std::string text = describe(loop, how, w);
  if (times > most_times) give_up(text);
  if (!loop.first_error) loop.first_error = reason(how, text);
  if (times == 1 && loop.main_task) {
    loop.main_task->cancel();
  } else {
    for (spawned* s = loop.roots; s; s = s->sibling()) s->cancel();
  }
}

}  // namespace eddy::inline v1::detail::simulation
