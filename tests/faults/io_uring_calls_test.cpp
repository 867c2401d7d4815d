// Each call that the io_uring engine makes fails, and each kind of submission, in turn.
#include <doctest/doctest.h>
#include <liburing.h>

#include <cerrno>

#include "../../runtime/selector/io_uring_plain.hpp"
#include "sweep.hpp"

using namespace faults;

namespace {

constexpr unsigned samples = 4;

class on_an_old_kernel {
 public:
  explicit on_an_old_kernel(const old_kernel& k) { pretend(k); }
  on_an_old_kernel(const on_an_old_kernel&) = delete;
  on_an_old_kernel& operator=(const on_an_old_kernel&) = delete;
  ~on_an_old_kernel() { pretend(old_kernel()); }
};

failure of_entry(int opcode, int error, effect expected) {
  return failure{call::ring_entry, error, expected, opcode};
}

}  // namespace

// The submissions stay in the queue; the next turn takes them.
TEST_CASE("entering the kernel fails, and nothing is lost") {
  sweep({{call::ring_enter, EINTR, effect::none},
         {call::ring_enter, EAGAIN, effect::none},
         {call::ring_enter, EBUSY, effect::none},
         {call::ring_enter, ENOMEM, effect::none}},
        12);
}

TEST_CASE("run says why there is no ring, in one line with the way out") {
  for (const int error : {EPERM, ENOSYS, ENOMEM, EMFILE, EINVAL}) {
    const report out = run_checked(rule{call::ring_setup, 1, 1, error}, effect::error);
    CHECK(out.refused_code == error);
    CHECK(out.refused.find("io_uring_setup") != std::string::npos);
    CHECK(out.refused.find("-Dselector=epoll") != std::string::npos);
    CHECK(out.refused.find('\n') == std::string::npos);
  }
}

// A ring of provided buffers, a registered ring descriptor: there are ways without.
TEST_CASE("what cannot be registered is done without") {
  if (eddy::detail::io_uring_plain()) return;  // it registers nothing
  sweep({{call::ring_register, ENOMEM, effect::none}, {call::ring_register, EINVAL, effect::none}},
        3);
}

TEST_CASE("older kernels: everything works, with what they have") {
  old_kernel k;
  k.no_multishot_receive = true;
  SUBCASE("no multishot receive (5.19)") {}
  SUBCASE("no multishot at all") { k.no_multishot_accept = true; }
  SUBCASE("no buffer ring, no setup flags (5.15)") {
    k.no_setup_flags = k.no_buffer_ring = k.no_multishot_accept = true;
  }
  const on_an_old_kernel old(k);
  (void)run_checked(rule(), effect::none);
  sweep({{call::ring_enter, EINTR, effect::none},
         of_entry(IORING_OP_RECV, EINTR, effect::none),
         of_entry(IORING_OP_SEND, partial, effect::none)},
        4);
}

TEST_CASE("a kernel too old is refused in one line") {
  for (const unsigned feature :
       {IORING_FEAT_EXT_ARG, IORING_FEAT_FAST_POLL, IORING_FEAT_NODROP}) {
    old_kernel k;
    k.features_missing = feature;
    const on_an_old_kernel old(k);
    const report out = run_checked(rule(), effect::error);
    CHECK(out.refused.find("io_uring") != std::string::npos);
    CHECK(out.refused.find("-Dselector=epoll") != std::string::npos);
  }
}

TEST_CASE("a submission that a signal interrupts, or that would block, is made again") {
  std::vector<failure> all;
  for (const int opcode : {IORING_OP_RECV, IORING_OP_SEND, IORING_OP_RECVMSG, IORING_OP_SENDMSG,
                           IORING_OP_ACCEPT, IORING_OP_READ}) {
    all.push_back(of_entry(opcode, EINTR, effect::none));
    all.push_back(of_entry(opcode, EAGAIN, effect::none));
  }
  all.push_back(of_entry(IORING_OP_POLL_ADD, EINTR, effect::none));
  sweep(all, samples);
}

TEST_CASE("a receive without buffers takes memory from the heap") {
  if (eddy::detail::io_uring_plain()) return;  // it always does
  sweep({of_entry(IORING_OP_RECV | with_provided, ENOBUFS, effect::none)}, samples);
}

TEST_CASE("a multishot that ends after one completion is armed again") {
  sweep({of_entry(IORING_OP_RECV, single, effect::none),
         of_entry(IORING_OP_ACCEPT, single, effect::none)},
        samples);
}

TEST_CASE("a send of which the kernel takes a part goes on") {
  sweep({of_entry(IORING_OP_SEND, partial, effect::none)}, samples);
}

TEST_CASE("a submission that the kernel cancels by itself ends, and nothing hangs") {
  std::vector<failure> all;
  for (const int opcode : {IORING_OP_RECV, IORING_OP_SEND, IORING_OP_RECVMSG, IORING_OP_SENDMSG,
                           IORING_OP_ACCEPT, IORING_OP_READ, IORING_OP_POLL_ADD}) {
    all.push_back(of_entry(opcode, ECANCELED, effect::error));
  }
  sweep(all, samples);
}

// The kernel has missed what was on its way between two of its queues, or was too late.
TEST_CASE("a cancellation that the kernel does not carry out is asked for again") {
  sweep({of_entry(IORING_OP_ASYNC_CANCEL, ENOENT, effect::none),
         of_entry(IORING_OP_ASYNC_CANCEL, EALREADY, effect::none)},
        samples);
}

TEST_CASE("files") {
  sweep({of_entry(IORING_OP_OPENAT, EINTR, effect::none),
         of_entry(IORING_OP_WRITE, EINTR, effect::none),
         of_entry(IORING_OP_WRITE, partial, effect::none),
         of_entry(IORING_OP_READ, partial, effect::none),
         of_entry(IORING_OP_FSYNC, EINTR, effect::none),
         of_entry(IORING_OP_CLOSE, EINTR, effect::none),
         of_entry(IORING_OP_OPENAT, EMFILE, effect::error),
         of_entry(IORING_OP_WRITE, ENOSPC, effect::error),
         of_entry(IORING_OP_FSYNC, EIO, effect::error),
         of_entry(IORING_OP_CLOSE, EIO, effect::error)},
        2);
}

TEST_CASE("an accept without descriptors or memory loses nobody") {
  sweep({of_entry(IORING_OP_ACCEPT, EMFILE, effect::none),
         of_entry(IORING_OP_ACCEPT, ENFILE, effect::none),
         of_entry(IORING_OP_ACCEPT, ENOBUFS, effect::none),
         of_entry(IORING_OP_ACCEPT, ENOMEM, effect::none),
         of_entry(IORING_OP_ACCEPT, ECONNABORTED, effect::none)},
        1);
}

TEST_CASE("streams that break") {
  sweep({of_entry(IORING_OP_RECV, ECONNRESET, effect::error),
         of_entry(IORING_OP_RECV, ENOMEM, effect::error),
         of_entry(IORING_OP_RECV, ENOBUFS, effect::error),
         of_entry(IORING_OP_SEND, ECONNRESET, effect::error),
         of_entry(IORING_OP_SEND, EPIPE, effect::error),
         of_entry(IORING_OP_SEND, ENOBUFS, effect::error),
         of_entry(IORING_OP_SENDMSG, ENOMEM, effect::error),
         of_entry(IORING_OP_SENDMSG, EPIPE, effect::error),
         of_entry(IORING_OP_RECVMSG, ECONNREFUSED, effect::error),
         of_entry(IORING_OP_RECVMSG, ENOMEM, effect::error),
         of_entry(IORING_OP_READ, EIO, effect::error),
         of_entry(IORING_OP_POLL_ADD, ENOMEM, effect::error),
         of_entry(IORING_OP_CONNECT, ECONNREFUSED, effect::error),
         of_entry(IORING_OP_CONNECT, ETIMEDOUT, effect::error),
         of_entry(IORING_OP_CONNECT, ENOMEM, effect::error)},
        samples);
}
