// fetch: gets URLs, with the options of curl. All of them at once, through one session; what comes
// is written in the order in which they were asked for.
#include <csignal>
#include <cstdio>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/net/tls.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/sync/semaphore.hpp>

#include "command_line.hpp"
#include "failure.hpp"
#include "narrator.hpp"
#include "standard_output.hpp"
#include "transfer.hpp"

namespace fetch {

namespace {

namespace http = eddy::http;

// Transfers at once, as curl's --parallel-max. The session must have as many connections: one of
// them holds its own until its turn to write comes.
constexpr std::size_t most_transfers = 50;

// These two throw failure.
http::proxy proxy_of(const std::string& text) {
  try {
    return text.empty() ? http::proxy::direct() : http::proxy::parse(text);
  } catch (const std::invalid_argument& e) {
    throw failure(exit_code::proxy_not_resolved, e.what());
  }
}

// curl's code, for a path that is too long.
void take_unix_socket(http::session_options& options, const std::string& path) {
  try {
    options.unix_socket(path);
  } catch (const std::invalid_argument& e) {
    throw failure(exit_code::host_not_resolved, e.what());
  }
}

http::session_options options_of(const settings& s, narrator& teller) {
  http::session_options options;
  options.limit(most_transfers).cookies(s.cookies);
  for (const std::string& name : s.unwanted) options.without_header(name);
  if (s.verbose) options.trace(teller);
  if (s.proxy) {
    options.proxy(proxy_of(*s.proxy));
  } else {
    options.proxies_from_environment();
  }
  if (!s.unix_socket.empty()) take_unix_socket(options, s.unix_socket);
  if (s.connect_timeout_s > 0) {
    options.connect_timeout(std::chrono::duration<double>(s.connect_timeout_s));
  }
  if (!s.insecure && s.ca_file.empty()) return options;
  eddy::tls_context trust;
  trust.alpn("http/1.1");
  if (s.insecure) trust.verify(false);
  try {
    if (!s.ca_file.empty()) trust.ca_file(s.ca_file);
  } catch (const eddy::tls_error& e) {
    throw failure(exit_code::bad_ca_file, e.what());
  }
  options.tls(trust);
  return options;
}

class program {
 public:
  explicit program(const settings& s)
      : settings_(s),
        session_(options_of(s, teller_)),
        order_(s.urls.size()),
        codes_(s.urls.size()),
        places_(most_transfers) {}

  eddy::task<int> run() {
    const auto body = [this](eddy::task_group& transfers) { return start_all(transfers); };
    co_await eddy::with_task_group(body);
    co_await session_.close();
    co_return last_failure();
  }

 private:
  eddy::task<> start_all(eddy::task_group& transfers) {
    for (std::size_t i = 0; i < settings_.urls.size(); ++i) {
      auto place = co_await places_.acquire();
      answered_.reset();
      transfers.spawn(one(transfers, i, std::move(place)));
      // What this one is given, the next one may have to show.
      if (settings_.cookies) co_await answered_.wait();
    }
  }

  eddy::task<> one(eddy::task_group& transfers, std::size_t index, eddy::semaphore::permit place) {
    const auto kept = std::move(place);
    transfer work(settings_, session_, order_, index);
    codes_[index] = co_await work.run(answered_);
    // The others would write to the same place.
    const bool printed = index >= settings_.outputs.size() || settings_.outputs[index] == "-";
    if (codes_[index] == exit_code::cannot_write && printed) transfers.cancel();
  }

  int last_failure() const {
    for (std::size_t i = codes_.size(); i > 0; --i) {
      if (codes_[i - 1] != 0) return codes_[i - 1];
    }
    return 0;
  }

  const settings& settings_;
  narrator teller_;  // outlives the session
  http::session session_;
  turns order_;
  std::vector<int> codes_;
  eddy::semaphore places_;
  eddy::event answered_;  // the newest transfer, with --cookie-jar
};

eddy::task<int> run(const settings& s) {
  program all(s);
  const int code = co_await all.run();
  co_return code;
}

}  // namespace
}  // namespace fetch

int main(int argc, char** argv) {
  fetch::occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an error of the write
  try {
    const fetch::settings s = fetch::read_command_line(argc, argv);
    return eddy::run(fetch::run(s), eddy::run_options().cancel_on_interrupt());
  } catch (const eddy::interrupted&) {
    std::fputs("fetch: interrupted\n", stderr);
    return fetch::exit_code::interrupted;
  } catch (const std::exception& e) {
    fetch::report(e);
    return fetch::exit_code_of(e);
  }
}
