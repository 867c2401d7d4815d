#include <cerrno>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/process.hpp>
#include <stdexcept>
#include <system_error>

#include "process_state.hpp"

namespace eddy::inline v1 {

namespace {

using target = detail_command_access::target;

// One run. The first of its parts to fail ends the others, which would wait for the child else, or
// for children of it that have its pipes.
struct conversation {
  explicit conversation(command&& what) : child(process::spawn(std::move(what))) {}

  void give_up() noexcept {
    try {
      child.kill();
    } catch (const std::system_error&) {
      // It has another user's rights by now; it will notice that nobody listens.
    }
    for (byte_stream* s : streams) {
      if (s) *s = byte_stream();
    }
  }

  process child;
  byte_stream* streams[3] = {nullptr, nullptr, nullptr};
};

task<> feed(conversation& with, std::string_view bytes) {
  byte_stream& to = *with.streams[0];
  try {
    co_await to.write_all(bytes);
  } catch (const std::system_error& error) {
    // It has ended, or wants no more: its business, which its status tells.
    if (error.code() != std::errc::broken_pipe) {
      with.give_up();
      throw;
    }
  }
  co_await to.close();
}

task<> collect(conversation& with, int which, std::string& into, std::size_t limit,
               const std::string& what) {
  byte_stream& from = *with.streams[which];
  try {
    for (;;) {
      const lease got = co_await from.receive();
      if (got.empty()) co_return;
      if (got.size() > limit - into.size()) break;
      into.append(got.text());
    }
  } catch (const std::exception&) {
    with.give_up();
    throw;
  }
  with.give_up();
  throw std::length_error(what + ": over the limit of " + std::to_string(limit) + " bytes");
}

}  // namespace

task<process_result> run_command(command what, std::string input, std::size_t limit) {
  process_result result;
  const std::string name = "run_command " + detail::name_of(what);
  const target from = detail_command_access::what(what, 0);
  if (from == target::unset) {
    input.empty() ? what.stdin_null() : what.stdin_pipe();
  } else if (from != target::pipe && !input.empty()) {
    throw std::invalid_argument(name + ": there is an input, but its standard input is no pipe");
  }
  if (detail_command_access::what(what, 1) == target::unset) what.stdout_pipe();
  if (detail_command_access::what(what, 2) == target::unset) what.stderr_pipe();
  const bool feeds = detail_command_access::what(what, 0) == target::pipe;
  const bool has_output = detail_command_access::what(what, 1) == target::pipe;
  const bool has_errors = detail_command_access::what(what, 2) == target::pipe;
  const std::string output_name = name + ": its standard output";
  const std::string errors_name = name + ": its standard error";
  conversation run(std::move(what));
  std::vector<task<>> parts;
  if (feeds) {
    run.streams[0] = &run.child.input();
    parts.push_back(feed(run, input));
  }
  if (has_output) {
    run.streams[1] = &run.child.output();
    parts.push_back(collect(run, 1, result.output, limit, output_name));
  }
  if (has_errors) {
    run.streams[2] = &run.child.errors();
    parts.push_back(collect(run, 2, result.errors, limit, errors_name));
  }
  co_await gather(std::move(parts));
  result.status = co_await run.child.wait();
  co_return result;
}

}  // namespace eddy::inline v1
