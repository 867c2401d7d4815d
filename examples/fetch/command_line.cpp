#include "command_line.hpp"

#include <CLI/CLI.hpp>

#include "failure.hpp"
#include "form_data.hpp"
#include "header_option.hpp"

namespace fetch {

namespace {

constexpr unsigned most_redirects = 1000;
constexpr unsigned most_retries = 1000;
constexpr double most_seconds = 1e9;
constexpr double most_body_bytes = 1e15;

constexpr const char* purpose =
    "Gets URLs and writes what they hold to the standard output, in the order given, while all of\n"
    "them load at once. A URL without a scheme is an http one. The options mean what they mean to\n"
    "curl.";

constexpr const char* notes =
    "A failure is one line on the standard error: fetch: (CODE) what, where, why.\n"
    "\n"
    "Exit codes, of the last URL in the list that failed:\n"
    "   0 all is well             1 neither http nor https   2 a wrong command line\n"
    "   3 malformed URL           5 proxy's name unknown     6 host's name unknown\n"
    "   7 not connected           8 malformed response      18 the body is not complete\n"
    "  22 status >= 400 (--fail) 23 cannot write            26 cannot read what is to be sent\n"
    "  28 timeout                35 TLS handshake failed    47 too many redirections\n"
    "  52 empty reply            55 sending failed          56 receiving failed\n"
    "  60 bad certificate        61 bad content coding      63 body larger than --max-body\n"
    "  77 bad --cacert file      97 the SOCKS proxy fails  130 interrupted\n"
    "\n"
    "  fetch https://example.com/\n"
    "  fetch -L --compressed -o page.html --max-time 10 example.com\n"
    "  fetch -d name=value -d @more.txt -H 'Accept: application/json' http://localhost:8080/form";

// A number without a sign, at most `most`. Where curl takes "0x10" or "nan", this does not.
class at_most : public CLI::Validator {
 public:
  explicit at_most(double most) {
    func_ = [most](const std::string& text) {
      double value = 0;
      // An exponent may have one.
      const bool number = text.find_first_of(".0123456789") == 0 &&
                          text.find_first_of("xX") == std::string::npos &&
                          CLI::detail::lexical_cast(text, value);
      if (number && value <= most) return std::string();
      return "wants a number from 0 to " + std::to_string(static_cast<std::uint64_t>(most)) +
             ", without a sign, is " + text;
    };
  }
};

class reader {
 public:
  reader() : app_(purpose, "fetch") {
    add_request_options();
    add_response_options();
    add_connection_options();
    app_.footer(notes);
    app_.get_formatter()->column_width(34);
  }

  settings read(int argc, char** argv) {
    parse(argc, argv);
    if (!s_.data.empty()) s_.body = form_data(s_.data);
    return std::move(s_);
  }

 private:
  void add_request_options() {
    app_.add_option("-X,--request", s_.method, "the method, also after redirections")
        ->type_name("METHOD");
    app_.add_option("-H,--header", headers_,
                    "send this field; 'Name;' sends it empty, 'Name:' not at all")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    app_.add_option("-d,--data", s_.data,
                    "POST this, or what is in FILE (-: the standard input) without its\n"
                    "line ends; several are joined with &")
        ->type_name("DATA|@FILE")
        ->allow_extra_args(false);
    app_.add_flag("-I,--head", s_.head_only, "ask with HEAD, and show the response's head");
    app_.add_option("-u,--user", user_, "Basic authentication")->type_name("USER:PASS");
    app_.add_option("-r,--range", s_.range, "only these bytes: 0-99, 500-, -500")
        ->type_name("RANGE");
    app_.add_flag("--compressed", s_.compressed, "ask for a compressed body, and decompress it");
    app_.add_option("URL", s_.urls, "what to get")->required()->type_name("");
  }

  void add_response_options() {
    app_.add_flag("-v,--verbose", s_.verbose,
                  "tell on the standard error what is sent, what comes, what happens");
    app_.add_flag("-i,--include", include_, "show the head of each response before its body");
    app_.add_option("-o,--output", s_.outputs,
                    "write the body to FILE; the n-th one is for the n-th URL")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app_.add_flag("-f,--fail", s_.fail, "a status from 400 on is a failure, without output");
    app_.add_flag("-L,--location", s_.follow, "follow redirections");
    app_.add_option("--max-redirects,--max-redirs", s_.max_redirects,
                    "follow no more than this (default 50)")
        ->type_name("N")
        ->check(at_most(most_redirects));
    app_.add_option("--max-body", max_body_, "a larger body, decompressed, is a failure")
        ->type_name("BYTES")
        ->check(at_most(most_body_bytes));
    app_.add_option("--retry", s_.retries,
                    "try again up to N times after a timeout, an unknown host, or status\n"
                    "408, 429, 500, 502, 503 or 504; after 1 s, 2 s, 4 s... or as\n"
                    "Retry-After says")
        ->type_name("N")
        ->check(at_most(most_retries));
  }

  void add_connection_options() {
    app_.add_option("--connect-timeout", s_.connect_timeout_s,
                    "seconds for connecting: name, TCP, proxy and TLS (default 30)")
        ->type_name("S")
        ->check(at_most(most_seconds));
    app_.add_option("-m,--max-time", s_.max_time_s,
                    "seconds for a URL, redirections included (default: no limit)")
        ->type_name("S")
        ->check(at_most(most_seconds));
    app_.add_option("-x,--proxy", proxy_,
                    "go through http://, https://, socks5:// or socks5h://, then\n"
                    "[USER:PASS@]HOST[:PORT]; '' for none. Without it: http_proxy,\n"
                    "https_proxy, all_proxy, no_proxy")
        ->type_name("PROXY");
    app_.add_option("--unix-socket", s_.unix_socket, "connect to this socket, whatever the host")
        ->type_name("PATH");
    app_.add_flag("--cookie-jar", s_.cookies,
                  "keep cookies in memory; a URL is asked for when the one before it\n"
                  "has been answered");
    app_.add_flag("-k,--insecure", s_.insecure, "accept any certificate");
    app_.add_option("--cacert", s_.ca_file, "trust the certificates in this PEM file only")
        ->type_name("FILE");
  }

  void parse(int argc, char** argv) {
    app_.parse_complete_callback([this] { check(); });
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) std::exit(app_.exit(error));
      throw failure(exit_code::usage, std::string(error.what()) + " (--help says more)");
    }
  }

  // What no single option can tell.
  void check() {
    for (const std::string& text : headers_) {
      try {
        add_header_option(s_, text);
      } catch (const std::invalid_argument& e) {
        throw CLI::ValidationError("-H", e.what());
      }
    }
    if (s_.head_only && !s_.data.empty()) {
      throw CLI::ValidationError("-I", "asks with HEAD, and -d with POST: use one of them");
    }
    if (app_.count("--max-body") > 0) s_.max_body_bytes = max_body_;
    if (app_.count("--proxy") > 0) s_.proxy = proxy_;
    if (app_.count("--user") > 0) take_user();
    check_range();
    if (app_.count("--unix-socket") > 0 && s_.unix_socket.empty()) {
      throw CLI::ValidationError("--unix-socket", "wants a path, is empty");
    }
    s_.show_heads = include_ || s_.head_only;
  }

  void take_user() {
    const std::size_t mark = user_.find(':');
    if (mark == std::string::npos) {
      throw CLI::ValidationError("-u", "wants USER:PASS, and nobody is asked for a password");
    }
    s_.user = user_.substr(0, mark);
    s_.password = user_.substr(mark + 1);
  }

  void check_range() {
    if (s_.range.empty()) return;
    const bool good = s_.range.find_first_not_of("0123456789-, ") == std::string::npos &&
                      s_.range.find('-') != std::string::npos;
    if (!good) throw CLI::ValidationError("-r", "wants 0-99, 500- or -500, is " + s_.range);
  }

  CLI::App app_;
  settings s_;
  std::vector<std::string> headers_;
  std::string proxy_;
  std::string user_;
  std::uint64_t max_body_ = 0;
  bool include_ = false;
};

}  // namespace

settings read_command_line(int argc, char** argv) { return reader().read(argc, argv); }

}  // namespace fetch
