// Runs the body of a test on a loop. The body is a coroutine lambda, which lives as long as it
// runs.
#pragma once

#include <eddy/runtime/run.hpp>
#include <exception>
#include <string>
#include <utility>

template <class Body>
auto drive(Body body) {
  return eddy::run(body());
}

template <class Body>
auto drive(Body body, eddy::run_options options) {
  return eddy::run(body(), std::move(options));
}

// The text of the E that `call` throws; else what happened instead.
template <class E, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (...) {
    return "another exception";
  }
  return "no exception";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
