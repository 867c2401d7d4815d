// Counts to two three times at once: while one sleeps, the others run.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "options.hpp"

eddy::task<> count(const example& ex) {
  std::puts("One");
  co_await eddy::sleep(ex.seconds(1));
  std::puts("Two");
}

eddy::task<> count_three_times(const example& ex) {
  const auto start = eddy::now();
  co_await eddy::gather(count(ex), count(ex), count(ex));
  const std::chrono::duration<double> elapsed = eddy::now() - start;
  std::printf("countasync executed in %.2f seconds.\n", elapsed.count());
}

int main(int argc, char** argv) {
  example ex("countasync", "Counts to two three times at once.");
  ex.parse(argc, argv);
  return ex.run([&] { eddy::run(count_three_times(ex)); });
}
