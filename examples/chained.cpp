// Coroutines that await one another: each chain is sequential, the chains run at once.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "options.hpp"

eddy::task<std::string> part1(example& ex, int n) {
  const int i = ex.randint(0, 10);
  std::printf("part1(%d) sleeping for %d seconds.\n", n, i);
  co_await eddy::sleep(ex.seconds(i));
  std::string result = "result" + std::to_string(n) + "-1";
  std::printf("Returning part1(%d) == %s.\n", n, result.c_str());
  co_return result;
}

eddy::task<std::string> part2(example& ex, int n, std::string arg) {
  const int i = ex.randint(0, 10);
  std::printf("part2(%d, '%s') sleeping for %d seconds.\n", n, arg.c_str(), i);
  co_await eddy::sleep(ex.seconds(i));
  std::string result = "result" + std::to_string(n) + "-2 derived from " + arg;
  std::printf("Returning part2(%d, '%s') == %s.\n", n, arg.c_str(), result.c_str());
  co_return result;
}

eddy::task<> chain(example& ex, int n) {
  const auto start = eddy::now();
  const std::string p1 = co_await part1(ex, n);
  const std::string p2 = co_await part2(ex, n, p1);
  const std::chrono::duration<double> elapsed = eddy::now() - start;
  std::printf("-->Chained result%d => %s (took %.2f seconds).\n", n, p2.c_str(), elapsed.count());
}

eddy::task<> chain_all(example& ex, std::vector<int> numbers) {
  const auto start = eddy::now();
  std::vector<eddy::task<>> chains;
  for (int n : numbers) chains.push_back(chain(ex, n));
  co_await eddy::gather(std::move(chains));
  const std::chrono::duration<double> elapsed = eddy::now() - start;
  std::printf("Program finished in %.2f seconds.\n", elapsed.count());
}

int main(int argc, char** argv) {
  example ex("chained", "Runs chains of coroutines, all at once.");
  std::vector<int> numbers{1, 2, 3};
  ex.app.add_option("n", numbers, "The names of the chains (default 1 2 3)");
  ex.parse(argc, argv);
  return ex.run([&] { eddy::run(chain_all(ex, numbers)); });
}
