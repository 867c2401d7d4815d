// Why io_uring cannot be had on a machine, in one line that says what to do about it.
#pragma once

#include <string>

namespace eddy::inline v1::detail {

// The value of the sysctl kernel.io_uring_disabled, or -1 where the kernel has no such setting.
int io_uring_disabled_setting() noexcept;

// `error` is the errno value of io_uring_setup(2), `disabled` the setting above. The text is for a
// std::system_error with the same errno value, which adds the system's words for it.
std::string io_uring_refusal(int error, int disabled);

}  // namespace eddy::inline v1::detail
