// Counts to two three times, one after the other: each sleep blocks the whole program.
#include <thread>

#include "options.hpp"

void count(const example& ex) {
  std::puts("One");
  std::this_thread::sleep_for(ex.seconds(1));
  std::puts("Two");
}

void count_three_times(const example& ex) {
  for (int i = 0; i < 3; ++i) count(ex);
}

int main(int argc, char** argv) {
  example ex("countsync", "Counts to two three times, one after the other.");
  ex.parse(argc, argv);
  return ex.run([&] {
    const auto start = std::chrono::steady_clock::now();
    count_three_times(ex);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("countsync executed in %.2f seconds.\n", elapsed.count());
  });
}
