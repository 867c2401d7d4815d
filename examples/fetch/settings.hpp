// What a command line of fetch asks for.
#pragma once

#include <cstdint>
#include <eddy/net/http/headers.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fetch {

// curl's default for -L.
inline constexpr unsigned usual_redirects = 50;

struct settings {
  std::vector<std::string> urls;
  // Files for the bodies, in the order of the URLs; the others go to the standard output.
  std::vector<std::string> outputs;

  std::string method;                  // -X; empty: what follows from the other options
  eddy::http::headers fields;          // -H 'Name: value', 'Name;'
  std::vector<std::string> unwanted;   // -H 'Name:'
  std::vector<std::string> data;       // -d, as given
  std::optional<std::string> body;     // what they amount to
  std::string range;

  bool show_heads = false;  // -i and -I
  bool head_only = false;   // -I
  bool follow = false;
  unsigned max_redirects = usual_redirects;
  bool fail = false;
  bool compressed = false;
  bool verbose = false;
  unsigned retries = 0;
  double connect_timeout_s = 0;  // 0: the session's own
  double max_time_s = 0;         // 0: none
  std::optional<std::uint64_t> max_body_bytes;

  std::optional<std::string> proxy;  // -x; "": none, whatever the environment says
  std::string unix_socket;
  bool cookies = false;
  std::optional<std::string> user;  // -u, both parts
  std::string password;

  bool insecure = false;
  std::string ca_file;
};

}  // namespace fetch
