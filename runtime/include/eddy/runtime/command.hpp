// What to run as a child process, and how.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::inline v1 {

// A program, its arguments and its surroundings. Chained setters; a value, to be used for as many
// children as one likes.
//
//   command("grep").arg("-n").arg("x").in_directory("/etc").env("LC_ALL", "C").stdout_pipe()
//
// Each of the three standard streams is inherited (the default), /dev/null, or a pipe whose other
// end is process::input(), output() or errors().
class command {
 public:
  // Without a slash in its name the program is looked for in this process's PATH. A relative name
  // with a slash, and a relative directory in PATH, start from in_directory().
  explicit command(std::string program) : program_(std::move(program)) {}

  command& arg(std::string value) & {
    arguments_.push_back(std::move(value));
    return *this;
  }
  command&& arg(std::string value) && { return std::move(arg(std::move(value))); }
  // Where the child starts; default: where this process is.
  command& in_directory(std::string path) & {
    directory_ = std::move(path);
    return *this;
  }
  command&& in_directory(std::string path) && { return std::move(in_directory(std::move(path))); }

  // The child's environment is this process's, as it is when the child starts, with these changes.
  command& env(std::string name, std::string value) & {
    changes_.push_back(change(std::move(name), std::move(value), true));
    return *this;
  }
  command&& env(std::string name, std::string value) && {
    return std::move(env(std::move(name), std::move(value)));
  }
  command& remove_env(std::string name) & {
    changes_.push_back(change(std::move(name), std::string(), false));
    return *this;
  }
  command&& remove_env(std::string name) && { return std::move(remove_env(std::move(name))); }
  // Nothing of this process's environment, nor of the changes made so far.
  command& clear_env() & {
    changes_.clear();
    clear_env_ = true;
    return *this;
  }
  command&& clear_env() && { return std::move(clear_env()); }

  command& stdin_inherit() & noexcept { return redirect(0, target::inherit); }
  command&& stdin_inherit() && noexcept { return std::move(stdin_inherit()); }
  command& stdin_null() & noexcept { return redirect(0, target::null); }
  command&& stdin_null() && noexcept { return std::move(stdin_null()); }
  command& stdin_pipe() & noexcept { return redirect(0, target::pipe); }
  command&& stdin_pipe() && noexcept { return std::move(stdin_pipe()); }

  command& stdout_inherit() & noexcept { return redirect(1, target::inherit); }
  command&& stdout_inherit() && noexcept { return std::move(stdout_inherit()); }
  command& stdout_null() & noexcept { return redirect(1, target::null); }
  command&& stdout_null() && noexcept { return std::move(stdout_null()); }
  command& stdout_pipe() & noexcept { return redirect(1, target::pipe); }
  command&& stdout_pipe() && noexcept { return std::move(stdout_pipe()); }

  command& stderr_inherit() & noexcept { return redirect(2, target::inherit); }
  command&& stderr_inherit() && noexcept { return std::move(stderr_inherit()); }
  command& stderr_null() & noexcept { return redirect(2, target::null); }
  command&& stderr_null() && noexcept { return std::move(stderr_null()); }
  command& stderr_pipe() & noexcept { return redirect(2, target::pipe); }
  command&& stderr_pipe() && noexcept { return std::move(stderr_pipe()); }
  // To wherever its standard output goes, in the order of the writes.
  command& stderr_to_stdout() & noexcept { return redirect(2, target::output); }
  command&& stderr_to_stdout() && noexcept { return std::move(stderr_to_stdout()); }

  [[nodiscard]] const std::string& program() const noexcept { return program_; }

 private:
  friend struct detail_command_access;
  enum class target : std::uint8_t { unset, inherit, null, pipe, output };
  struct change {
    change(std::string n, std::string v, bool s) noexcept
        : name(std::move(n)), value(std::move(v)), set(s) {}
    std::string name;
    std::string value;
    bool set;
  };

  command& redirect(int which, target to) noexcept {
    targets_[which] = to;
    return *this;
  }

  std::string program_;
  std::vector<std::string> arguments_;
  std::string directory_;
  std::vector<change> changes_;
  target targets_[3] = {target::unset, target::unset, target::unset};
  bool clear_env_ = false;
};

}  // namespace eddy::inline v1
