// Where the bodies go.
#pragma once

#include <cstddef>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/sync/event.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fetch {

// What a transfer that is not in turn keeps of its output at most; then it stops reading.
inline constexpr std::size_t most_held_bytes = 256 * 1024;

// The turns of several transfers on the standard output, in the order of their URLs.
class turns {
 public:
  explicit turns(std::size_t transfers);

  bool has(std::size_t transfer) const noexcept { return transfer <= current_; }
  eddy::task<> wait(std::size_t transfer);
  // This transfer writes nothing more.
  void finished(std::size_t transfer);

 private:
  struct place {
    eddy::event begins;
    bool over = false;
  };

  std::vector<std::unique_ptr<place>> places_;
  std::size_t current_ = 0;
};

// The output of one transfer: a file, or the standard output when it is its turn. What cannot be
// written throws failure. Destroying it gives the turn to the next.
class body_output {
 public:
  // To the standard output if `path` is empty or "-".
  body_output(turns& order, std::size_t transfer, std::string path);
  body_output(const body_output&) = delete;
  body_output& operator=(const body_output&) = delete;
  ~body_output();

  // Bytes of the peer, as they are. Cancellation point.
  eddy::task<> write(std::string bytes);
  eddy::task<> write_some(std::string_view bytes);  // borrowed
  // All is on its way: the file is closed; a file that got nothing is made.
  eddy::task<> finish();

  bool wrote_anything() const noexcept { return bytes_ > 0; }

 private:
  eddy::task<> open();
  eddy::task<> write_file(std::string_view bytes);
  eddy::task<> hold_or_print(std::string_view bytes);
  eddy::task<> print_held();

  turns& order_;
  std::size_t transfer_;
  std::string path_;
  std::optional<eddy::file> file_;
  std::string held_;
  std::uint64_t bytes_ = 0;
};

}  // namespace fetch
