#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace statefund::support {

// A certificate and its key (P-256), PEM.
struct identity {
  std::string certificate;
  std::string key; // PKCS#8
};

struct certificate_wish {
  std::string common_name = "localhost";
  std::vector<std::string> names = {"DNS:localhost", "IP:127.0.0.1"}; // as OpenSSL writes them; may be empty
  std::int64_t starts_unix_seconds = 1'577'836'800;                   // 2020
  std::int64_t ends_unix_seconds = 4'102'444'800;                     // 2100
};

// Made anew for a test, so that nothing in the repository expires. Not for anything but tests.
identity make_root(std::string const& common_name, certificate_wish const& dates = {});
identity make_intermediate(std::string const& common_name, identity const& issuer);
identity make_certificate(certificate_wish const& wish, identity const& issuer);
identity make_self_signed(certificate_wish const& wish);

std::string encrypt_key(std::string const& key, std::string const& password);

// A directory for files, gone with its end.
class file_directory {
 public:
  file_directory();
  ~file_directory();
  file_directory(file_directory const&) = delete;
  file_directory& operator=(file_directory const&) = delete;

  std::string path(std::string const& name) const { return path_ + '/' + name; }
  // Gives the file's path.
  std::string write(std::string const& name, std::string const& text) const;

 private:
  std::string path_;
};

} // namespace statefund::support
