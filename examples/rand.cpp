// Three coroutines draw random numbers until each has one that is high enough.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "options.hpp"

constexpr const char* colours[] = {
    "\033[0m",   // end of colour
    "\033[36m",  // cyan
    "\033[91m",  // red
    "\033[35m",  // magenta
};

eddy::task<int> makerandom(example& ex, int idx, int threshold) {
  const char* colour = colours[idx + 1];
  std::printf("%sInitiated makerandom(%d).\n", colour, idx);
  int i = ex.randint(0, 10);
  while (i <= threshold) {
    std::printf("%smakerandom(%d) == %d too low; retrying.\n", colour, idx, i);
    co_await eddy::sleep(ex.seconds(idx + 1));
    i = ex.randint(0, 10);
  }
  std::printf("%s---> Finished: makerandom(%d) == %d%s\n", colour, idx, i, colours[0]);
  co_return i;
}

eddy::task<std::vector<int>> make_three(example& ex) {
  std::vector<eddy::task<int>> tasks;
  for (int idx = 0; idx < 3; ++idx) tasks.push_back(makerandom(ex, idx, 10 - idx - 1));
  co_return co_await eddy::gather(std::move(tasks));
}

int main(int argc, char** argv) {
  example ex("rand", "Draws random numbers in three coroutines until they are high enough.");
  ex.parse(argc, argv);
  return ex.run([&] {
    const std::vector<int> r = eddy::run(make_three(ex));
    std::printf("\nr1: %d, r2: %d, r3: %d\n", r[0], r[1], r[2]);
  });
}
