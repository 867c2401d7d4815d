// Producers and consumers that know only the queue between them.
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/queue.hpp>

#include "options.hpp"

using element = std::pair<std::string, eddy::time_point>;

constexpr int most_tasks = 100'000;

std::string makeitem(example& ex, int size = 5) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (int i = 0; i < 2 * size; ++i) hex += digits[ex.randint(0, 15)];
  return hex;
}

eddy::task<> itemsleep(example& ex, std::string caller) {
  const int i = ex.randint(0, 10);
  std::printf("%s sleeping for %d seconds.\n", caller.c_str(), i);
  co_await eddy::sleep(ex.seconds(i));
}

eddy::task<> produce(example& ex, int name, eddy::queue<element>& q) {
  const int n = ex.randint(0, 10);
  for (int k = 0; k < n; ++k) {
    co_await itemsleep(ex, "Producer " + std::to_string(name));
    const std::string i = makeitem(ex);
    co_await q.put(element(i, eddy::now()));
    std::printf("Producer %d added <%s> to queue.\n", name, i.c_str());
  }
}

eddy::task<> consume(example& ex, int name, eddy::queue<element>& q) {
  for (;;) {
    co_await itemsleep(ex, "Consumer " + std::to_string(name));
    const element got = co_await q.get();
    const std::chrono::duration<double> age = eddy::now() - got.second;
    std::printf("Consumer %d got element <%s> in %.5f seconds.\n", name, got.first.c_str(),
                age.count());
    q.task_done();
  }
}

eddy::task<> produce_and_consume(example& ex, int nprod, int ncon, eddy::queue<element>& q) {
  const auto start = eddy::now();
  std::vector<eddy::join_handle<>> producers;
  std::vector<eddy::join_handle<>> consumers;
  for (int n = 0; n < nprod; ++n) producers.push_back(eddy::spawn(produce(ex, n, q)));
  for (int n = 0; n < ncon; ++n) consumers.push_back(eddy::spawn(consume(ex, n, q)));
  for (auto& p : producers) co_await p;
  co_await q.join();  // waits until the consumers have dealt with every item
  for (auto& c : consumers) c.cancel();
  const std::chrono::duration<double> elapsed = eddy::now() - start;
  std::printf("Program completed in %.5f seconds.\n", elapsed.count());
}

int main(int argc, char** argv) {
  example ex("asyncq", "Passes random items from producers to consumers through a queue.");
  int nprod = 5;
  int ncon = 10;
  ex.app.add_option("-p,--nprod", nprod, "How many producers (default 5)")
      ->check(CLI::Range(0, most_tasks));
  ex.app.add_option("-c,--ncon", ncon, "How many consumers, at least one (default 10)")
      ->check(CLI::Range(1, most_tasks));
  ex.parse(argc, argv);
  eddy::queue<element> q;  // outlives all its users, the cancelled consumers too
  return ex.run([&] { eddy::run(produce_and_consume(ex, nprod, ncon, q)); });
}
