// An asynchronous generator: it waits between its values, and who loops over it waits with it.
#include <eddy/runtime/generator_operators.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "options.hpp"

// Powers of two.
eddy::generator<int> mygen(const example& ex, int u = 10) {
  for (int i = 0; i < u; ++i) {
    co_yield 1 << i;
    co_await eddy::sleep(ex.seconds(0.1));
  }
}

// No concurrency here: one value after the other, twice.
eddy::task<std::pair<std::vector<int>, std::vector<int>>> collect_twice(const example& ex) {
  auto g = co_await eddy::collect(mygen(ex));
  auto wanted = [](int j) { return j / 3 % 5 == 0; };
  auto f = co_await eddy::collect(mygen(ex) | eddy::filter(wanted));
  co_return std::pair(std::move(g), std::move(f));
}

void print(const std::vector<int>& numbers) {
  std::string text;
  for (int n : numbers) text += (text.empty() ? "" : ", ") + std::to_string(n);
  std::printf("[%s]\n", text.c_str());
}

int main(int argc, char** argv) {
  example ex("asyncgen", "Collects what an asynchronous generator yields.");
  ex.parse(argc, argv);
  return ex.run([&] {
    const auto [g, f] = eddy::run(collect_twice(ex));
    print(g);
    print(f);
  });
}
