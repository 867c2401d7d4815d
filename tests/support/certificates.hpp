// Certificates for tests, made by the `openssl` command once in a process, in a folder of their own
// that goes with the process.
#pragma once

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

  std::string ca;           // signs the next three
  std::string other_ca;     // signs none of them
  certificate good;         // localhost, 127.0.0.1, ::1
  certificate expired;      // the same names, until yesterday
  certificate wrong_host;   // other.test only
  certificate common_name;  // CN=localhost, but no alternative names
  certificate self_signed;  // localhost, by nobody but itself
  std::string locked_key;   // of `good`, behind a password

 private:
  certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-certificates-XXXXXX");
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    ca = make_ca("ca");
    other_ca = make_ca("other-ca");
    const std::string here = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1";
    good = sign("good", "localhost", here, 30);
    expired = sign("expired", "localhost", here, -1);
    wrong_host = sign("wrong-host", "localhost", "subjectAltName=DNS:other.test", 30);
    common_name = sign("common-name", "localhost", "basicConstraints=CA:FALSE", 30);
    self_signed = make_self_signed(here);
    locked_key = path("locked.key");
    openssl("pkey -aes128 -passout pass:secret -in " + good.key + " -out " + locked_key);
  }

  void openssl(const std::string& arguments) const {
    const std::string log = path("log");
    const std::string command = "openssl " + arguments + " >" + log + " 2>&1 </dev/null";
    if (std::system(command.c_str()) == 0) return;
    std::ifstream said(log);
    throw std::runtime_error(command + ": " +
                             std::string(std::istreambuf_iterator<char>(said), {}));
  }

  std::string make_ca(const std::string& name) const {
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=" +
        name + " -keyout " + path(name + ".key") + " -out " + path(name + ".pem"));
    return path(name + ".pem");
  }

  certificate sign(const std::string& name, const std::string& subject,
                   const std::string& extensions, int days) const {
    const std::string request = path(name + ".csr");
    const std::string extension_file = path(name + ".ext");
    std::ofstream(extension_file) << extensions << '\n';
    certificate out{path(name + ".pem"), path(name + ".key")};
    openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" +
            subject + " -keyout " + out.key + " -out " + request);
    openssl("x509 -req -in " + request + " -CA " + ca + " -CAkey " + path("ca.key") +
            " -CAcreateserial -days " + std::to_string(days) + " -extfile " + extension_file +
            " -out " + out.chain);
    return out;
  }

  certificate make_self_signed(const std::string& extensions) const {
    certificate out{path("self-signed.pem"), path("self-signed.key")};
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
        "-subj /CN=localhost -addext " +
        extensions + " -keyout " + out.key + " -out " + out.chain);
    return out;
  }

  std::filesystem::path folder_;
};

}  // namespace eddy_tests
