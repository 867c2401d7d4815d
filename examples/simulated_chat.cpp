// A chat whose server has a mistake that only a schedule shows: it looks whether a name is free,
// waits for its journal, and takes the name then. Two who come at once may both get it.
//
// Linked with the simulator, which runs the same server in a thousand worlds until one fails:
//
//   simulated_chat                      finds the mistake and says which seed shows it
//   EDDY_SIM_SEED=<n> simulated_chat    plays that world again
//   simulated_chat --fixed              the server takes the name first: no world fails
#include <chrono>
#include <cstdio>
#include <cstring>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using eddy::task;

namespace {

constexpr std::uint16_t port = 7000;
constexpr std::size_t longest_line = 200;

class chat {
 public:
  explicit chat(bool fixed) : fixed_(fixed) {}

  // Serves `guests` connections.
  task<> serve(int guests, eddy::event& open) {
    eddy::tcp_listener door = eddy::tcp_listener::bind(eddy::endpoint::any(port));
    open.set();
    std::vector<eddy::join_handle<>> inside;
    for (int i = 0; i < guests; ++i) {
      eddy::tcp_stream guest = co_await door.accept();
      inside.push_back(eddy::spawn(welcome(std::move(guest))));
    }
    for (eddy::join_handle<>& one : inside) co_await one;
  }

 private:
  task<> welcome(eddy::tcp_stream guest) {
    const std::string name = co_await guest.read_until("\n", longest_line);
    if (names_.contains(name)) {
      co_await guest.write_all("taken\n");
      co_return;
    }
    if (fixed_) names_.insert(name);
    co_await note("joins: " + name);  // meanwhile another may have come with the same name
    names_.insert(name);
    co_await guest.write_all("welcome\n");
  }

  task<> note(std::string line) {
    eddy::file journal = co_await eddy::file::open("journal", eddy::file_mode::append);
    co_await journal.write_all(line);
    co_await journal.close();
  }

  std::set<std::string> names_;
  bool fixed_;
};

task<std::string> join(std::string name) {
  eddy::tcp_stream server = co_await eddy::tcp_stream::connect("chat.example", port);
  co_await server.write_all(name + "\n");
  std::string answer = co_await server.read_until("\n", longest_line);
  co_return std::move(answer);
}

// Two guests on hosts of their own want one name: one of them is to get it.
task<> evening(bool fixed) {
  eddy::sim::network net;
  const eddy::sim::host house = net.add_host("chat.example");
  chat server(fixed);
  eddy::event open;
  auto serving = house.spawn(server.serve(2, open));
  co_await open.wait();
  auto first = net.add_host("first.example").spawn(join("ada"));
  co_await eddy::sleep(std::chrono::milliseconds(5));
  auto second = net.add_host("second.example").spawn(join("ada"));
  const std::string one = co_await first;
  const std::string other = co_await second;
  co_await serving;
  if (one == other) throw std::logic_error("both guests are told \"" + one.substr(0, 7) + "\"");
}

}  // namespace

int main(int argc, char** argv) {
  const bool fixed = argc > 1 && std::strcmp(argv[1], "--fixed") == 0;
  const eddy::sim::finding found = eddy::sim::search([=] { return evening(fixed); });
  if (!found.error) {
    std::printf("%llu evenings, and every name was one guest's\n",
                static_cast<unsigned long long>(found.runs));
    return 0;
  }
  try {
    std::rethrow_exception(found.error);
  } catch (const std::exception& e) {
    std::printf("%s: EDDY_SIM_SEED=%llu plays it again (evening %llu, trace %016llx)\n", e.what(),
                static_cast<unsigned long long>(found.seed),
                static_cast<unsigned long long>(found.runs),
                static_cast<unsigned long long>(found.trace_hash));
  }
  return 1;
}
