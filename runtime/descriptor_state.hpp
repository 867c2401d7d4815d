// The state behind a descriptor_ref.
#pragma once

#include <eddy/runtime/descriptor.hpp>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1::detail {

// What derived states do differently: three functions instead of a table of virtual ones, which
// public headers would show.
struct descriptor_type {
  std::string (*name)(const descriptor_state&);
  void (*surrendered)(descriptor_state&) noexcept;
  void (*destroy)(descriptor_state&) noexcept;
};

// Why a side is unusable: by number, to keep states small. The first two: for the side that an end
// of a pipe does not have; whoever adopts one sets it, as not every engine has the kernel say so.
enum class side_fault : std::uint8_t {
  none,
  cannot_be_read,
  cannot_be_written,
  cancelled_write,
  no_memory_to_give_back,
};
const char* text_of(side_fault fault) noexcept;

struct descriptor_side {
  side_fault fault = side_fault::none;
  bool busy = false;
};

// Belongs to its loop's thread. `fd` is -1 from the moment someone closes it, while operations on
// it may still be ending. A derived State has
//   std::string name() const;       for messages: "127.0.0.1:80"
//   void surrendered() noexcept;    the descriptor is given up now, once
// and a constructor (const descriptor_type&, int fd, loop_core&, what else adopt() is given).
struct descriptor_state : descriptor_base {
  descriptor_state(const descriptor_type& t, int descriptor, loop_core& home) noexcept
      : type(&t), loop(&home), loop_serial(home.serial) {
    fd = descriptor;
  }
  descriptor_state(const descriptor_state&) = delete;
  descriptor_state& operator=(const descriptor_state&) = delete;

  descriptor_side& side(direction d) noexcept { return d == direction::reading ? reads : writes; }
  // Gives the descriptor up; the caller has it closed. -1 if that was done before.
  int surrender() noexcept;
  void release() noexcept;

  const descriptor_type* type;
  // False once the loop has ended: then there is no engine that could be asked for anything.
  bool has_loop() const noexcept { return runs_here(loop, loop_serial); }

  loop_core* loop;
  std::uint32_t loop_serial;
  descriptor_side reads;
  descriptor_side writes;

 protected:
  ~descriptor_state() = default;
};

template <class State>
inline constexpr descriptor_type descriptor_type_of = {
    [](const descriptor_state& s) { return static_cast<const State&>(s).name(); },
    [](descriptor_state& s) noexcept { static_cast<State&>(s).surrendered(); },
    [](descriptor_state& s) noexcept { delete static_cast<State*>(&s); }};

inline descriptor_state& descriptor_of(const descriptor_ref& ref) noexcept {
  return static_cast<descriptor_state&>(*ref.base());
}

// Owns a fresh descriptor of the engine's, also when there is no memory for its state.
template <class State, class... Args>
descriptor_ref adopt(int fd, loop_core& loop, Args&&... args) {
  try {
    return descriptor_ref(
        new State(descriptor_type_of<State>, fd, loop, std::forward<Args>(args)...));
  } catch (...) {
    engine_of(loop).release(fd);
    throw;
  }
}

// "read from 127.0.0.1:80".
std::string described(const char* what, const descriptor_ref& descriptor);
// Throws what std::system_error the negative errno value `result` makes of it.
[[noreturn]] void fail_descriptor(int result, const char* what, const descriptor_ref& descriptor);
// Throws std::logic_error: somebody else is using that side.
[[noreturn]] void refuse_busy(const char* what, const descriptor_ref& descriptor);
// The state, for what is known of a closed descriptor as well, and the number of an open one. Else
// they throw as descriptor_use::check does.
descriptor_state& state_for(const char* what, const descriptor_ref& descriptor);
int open_descriptor(const char* what, const descriptor_ref& descriptor);

}  // namespace eddy::inline v1::detail
