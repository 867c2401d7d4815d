// A loop of Asio for one coroutine, on the thread that calls.
#pragma once

#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <exception>

// Ends when nothing is left to do. 1: one thread runs it, which lets Asio leave out some locks.
inline void asio_run(asio::awaitable<void> main) {
  asio::io_context loop(1);
  asio::co_spawn(loop, std::move(main), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
}

// Tells a coroutine that something has happened. The number is of no meaning: a channel of nothing
// but an error does not compile in Asio 1.22.
using asio_signal = asio::experimental::channel<void(std::error_code, int)>;

inline bool tell(asio_signal& signal) { return signal.try_send(std::error_code(), 0); }
