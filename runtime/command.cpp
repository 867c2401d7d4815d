#include <algorithm>
#include <eddy/runtime/command.hpp>
#include <stdexcept>

#include "process_state.hpp"
#include "quoted.hpp"
#include "selector/system.hpp"

namespace eddy::inline v1 {

namespace {

// Of a program's or a variable's name, in a message.
constexpr std::size_t shown_bytes = 200;

void check_text(const std::string& text, const command& c, const char* what) {
  if (text.find('\0') == std::string::npos) return;
  throw std::invalid_argument("command " + detail::name_of(c) + ": " + what + " has a NUL byte");
}

bool is_of(const std::string& entry, const std::string& name) noexcept {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

}  // namespace

std::string detail::name_of(const command& c) { return quoted(c.program(), shown_bytes); }

void detail_command_access::check(const command& c) {
  if (c.program_.empty()) throw std::invalid_argument("command: the program's name is empty");
  check_text(c.program_, c, "the program's name");
  for (const std::string& a : c.arguments_) check_text(a, c, "an argument");
  check_text(c.directory_, c, "the directory");
  for (const command::change& change : c.changes_) {
    check_text(change.name, c, "a variable's name");
    check_text(change.value, c, "a variable's value");
    if (change.name.empty() || change.name.find('=') != std::string::npos) {
      throw std::invalid_argument("command " + detail::name_of(c) + ": " +
                                  detail::quoted(change.name, shown_bytes) +
                                  " cannot be the name of an environment variable");
    }
  }
}

detail_command_access::words detail_command_access::words_of(command& c) {
  words out;
  out.arguments.push_back(c.program_.data());
  for (std::string& a : c.arguments_) out.arguments.push_back(a.data());
  out.arguments.push_back(nullptr);
  if (c.changes_.empty() && !c.clear_env_) return out;
  if (!c.clear_env_) {
    for (const char* const* at = detail::system::environment(); at && *at; ++at) {
      out.texts.emplace_back(*at);
    }
  }
  for (const command::change& change : c.changes_) {
    std::erase_if(out.texts, [&](const std::string& entry) { return is_of(entry, change.name); });
    if (change.set) out.texts.push_back(change.name + "=" + change.value);
  }
  for (std::string& text : out.texts) out.environment.push_back(text.data());
  out.environment.push_back(nullptr);
  return out;
}

}  // namespace eddy::inline v1
