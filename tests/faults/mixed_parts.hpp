// The parts of the mixed program: each makes its own descriptors, uses both ends of them, and ends,
// by a value or an exception, whatever fails.
#pragma once

#include <eddy/runtime/task.hpp>
#include <stdexcept>

namespace faults {

// Bytes that are not those that were sent.
class wrong_result : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

eddy::task<> tcp_by_lease();
eddy::task<> tcp_by_read();
eddy::task<> stream_in_pieces();
eddy::task<> datagrams();
eddy::task<> through_a_pipe();
eddy::task<> a_file();
eddy::task<> foreign_descriptor();
eddy::task<> cancelled_waits();
eddy::task<> woken_by_a_thread();

}  // namespace faults
