#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace statefund::endpoint {

// The files of an endpoint behind TLS, PEM, by path.
struct tls_files {
  std::string trust_cacerts;       // certificates to trust; empty: the system's
  std::string client_cert;         // the daemon's own certificate with its chain; empty: none
  std::string client_key;          // of client_cert; empty where client_cert is
  std::string client_key_password; // whose first line is the password of client_key; empty: it has none

  auto operator<=>(tls_files const&) const = default;
};

enum class tls_severity {
  error,   // nothing can be called with these files
  warning, // calls may fail, today or soon
};

// What is wrong with a file: its key in the module, its path, and what was found. Never what stands in it.
struct tls_problem {
  tls_severity severity;
  std::string text;

  bool operator==(tls_problem const&) const = default;
};

struct tls_loaded;

// How connections are secured, as the files said when they were read: TLS 1.2 and 1.3, whom to trust, which certificate
// to show; http/1.1 by ALPN. Certificates are always verified. Immutable; shared by all shards and all functions that
// have the same files, and alive for as long as one of their connections is.
class tls_context {
 public:
  // Reads and checks them all, by the wall clock. Blocks on the disk.
  static tls_loaded load(tls_files const& files);

  tls_context(tls_context const&) = delete;
  tls_context& operator=(tls_context const&) = delete;

  // The same files with the same contents.
  bool is_same_as(tls_context const& other) const noexcept;

  bool has_client_certificate() const noexcept { return !files_.client_cert.empty(); }
  // For the operator: where a certificate must stand to be trusted.
  std::string const& trusted_place() const noexcept { return trusted_place_; }
  ssl_ctx_st* handle() const noexcept { return handle_.get(); }

  static constexpr std::size_t file_bytes_max = std::size_t{4} << 20U;

 private:
  friend class tls_loader;
  struct free_handle {
    void operator()(ssl_ctx_st* owned) const noexcept;
  };
  tls_context() = default;

  tls_files files_;
  std::string fingerprint_; // SHA-256 of what stands in the files
  std::string trusted_place_;
  std::unique_ptr<ssl_ctx_st, free_handle> handle_;
};

struct tls_loaded {
  std::shared_ptr<tls_context const> context; // null if one of the problems is an error
  std::vector<tls_problem> problems;
};

} // namespace statefund::endpoint
