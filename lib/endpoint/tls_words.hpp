#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct asn1_string_st;
struct x509_st;
struct x509_store_ctx_st;

// What OpenSSL knows, in words for the operator. What others have written into a certificate is escaped and cut.
namespace statefund::endpoint {

// "2026-05-01 12:00:00 UTC"
std::string to_text(asn1_string_st const* time);
std::int64_t unix_seconds_of(asn1_string_st const* time) noexcept;

// "CN=localhost,O=Example"
std::string subject_of(x509_st const* certificate);

// OpenSSL's words for the last error in this thread's queue: "key too small".
std::string last_openssl_error();

// Why a server's certificate is refused, at the place where OpenSSL's verification stands, with the number of the page
// that tells more. `trusted_place` says where a certificate must stand to be trusted.
std::string refusal_of(x509_store_ctx_st* verification, std::string_view server_name, std::string_view trusted_place);

// What has become of a client certificate.
enum class client_certificate {
  not_asked_for,
  missing, // the server asked for one, and there is none
  shown,
};

enum class handshake_state {
  under_way,
  done,
};

// Why TLS broke off, by OpenSSL's error code: an alert of the server's, or what it sent is not what it must be.
std::string fault_of(unsigned long openssl_error, handshake_state at, std::string_view server_name,
                     client_certificate ours);

} // namespace statefund::endpoint
