// A loop of Asio for one coroutine, on the thread that calls.
#pragma once

#include <asio.hpp>
#include <exception>

// Ends when nothing is left to do. 1: one thread runs it, which lets Asio leave out some locks.
inline void asio_run(asio::awaitable<void> main) {
  asio::io_context loop(1);
  asio::co_spawn(loop, std::move(main), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
}
