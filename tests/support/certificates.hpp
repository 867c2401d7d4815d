// Certificates for tests, made by certificates.sh once in a process, in a folder of their own that
// goes with the process.
#pragma once

#include <unistd.h>

#include <certificates_script.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace eddy_tests {

struct certificate {
  std::string chain;  // PEM files
  std::string key;
};

class certificates {
 public:
  static const certificates& get() {
    static const certificates only;
    return only;
  }
  certificates(const certificates&) = delete;
  certificates& operator=(const certificates&) = delete;
  ~certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Any of those that certificates.sh makes.
  certificate named(const std::string& name) const {
    certificate out{path(name + ".pem"), path(name + ".key")};
    if (std::filesystem::exists(out.key)) return out;
    throw std::logic_error("certificates.sh makes no " + name);
  }

  std::string ca;           // signs what follows, unless the name says otherwise
  std::string other_ca;     // signs none of them
  certificate good;         // localhost, 127.0.0.1, ::1
  certificate expired;      // the same names, until some years ago
  certificate wrong_host;   // other.test only
  certificate common_name;  // CN=localhost, but no alternative names
  certificate self_signed;  // localhost, by nobody but itself
  std::string locked_key;   // of `good`, behind a password

 private:
  certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-certificates-XXXXXX");
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    make_all();
    ca = path("ca.pem");
    other_ca = path("other-ca.pem");
    good = named("good");
    expired = named("expired");
    wrong_host = named("wrong-host");
    common_name = named("common-name");
    self_signed = named("self-signed");
    locked_key = path("locked.key");
  }

  void make_all() const {
    const std::string script = path("certificates.sh");
    std::ofstream(script) << certificates_script;
    const std::string said = path("said");
    const std::string command =
        "sh " + script + " " + folder_.string() + " >" + said + " 2>&1 </dev/null";
    if (std::system(command.c_str()) == 0) return;
    std::ifstream errors(said);
    throw std::runtime_error(command + ": " +
                             std::string(std::istreambuf_iterator<char>(errors), {}));
  }

  std::filesystem::path folder_;
};

}  // namespace eddy_tests
