#include "endpoint/tls_words.hpp"

#include "error/number.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

namespace statefund::endpoint {

namespace {

constexpr std::size_t text_bytes_max = 200;
constexpr int names_count_max = 8;

std::string numbered(std::string text, number which) {
  return std::move(text) + " (" + to_string(which) + ')';
}

std::string cut(std::string text) {
  if (text.size() > text_bytes_max) {
    text.resize(text_bytes_max);
    text += "...";
  }
  return text;
}

// Runs `print`, which writes to a BIO.
template <class Print>
std::string printed(Print print) {
  std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
  print(out.get());
  char* text = nullptr;
  long const size = BIO_get_mem_data(out.get(), &text);
  return cut({text, static_cast<std::size_t>(size)});
}

std::string name_text(X509_NAME const* name) {
  return printed([&](BIO* out) { X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253); });
}

std::string address_text(ASN1_OCTET_STRING const* address) {
  auto const* const bytes = ASN1_STRING_get0_data(address);
  int const size = ASN1_STRING_length(address);
  std::string text;
  if (size == 4) {
    for (int i = 0; i < size; ++i)
      text += (i > 0 ? "." : "") + std::to_string(bytes[i]);
  } else if (size == 16) {
    constexpr char digits[] = "0123456789abcdef";
    for (int i = 0; i < size; ++i) {
      text += i > 0 && i % 2 == 0 ? ":" : "";
      (text += digits[bytes[i] >> 4]) += digits[bytes[i] & 15];
    }
  }
  return text;
}

// What a name or an address can be checked against, as OpenSSL does it: the common name counts where there is no other.
std::string names_of(X509 const* certificate) {
  struct free_names {
    void operator()(GENERAL_NAMES* owned) const noexcept { GENERAL_NAMES_free(owned); }
  };
  std::unique_ptr<GENERAL_NAMES, free_names> const names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string all;
  int const count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && i < names_count_max; ++i) {
    auto const* const name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS)
      text = printed([&](BIO* out) { ASN1_STRING_print_ex(out, name->d.dNSName, ASN1_STRFLGS_RFC2253); });
    else if (name->type == GEN_IPADD)
      text = address_text(name->d.iPAddress);
    if (!text.empty())
      all += (all.empty() ? "" : ", ") + text;
  }
  if (count > names_count_max)
    all += ", ...";
  return all.empty() ? subject_of(certificate) : all;
}

std::string of(X509 const* certificate, int depth) {
  return (depth == 0 ? "the certificate (" : "the issuer's certificate (") + subject_of(certificate) + ')';
}

std::string untrusted(std::string_view trusted_place) {
  return " is not among " + std::string(trusted_place);
}

std::string alert_fault(int alert, std::string_view server_name, client_certificate ours) {
  bool const is_known = alert != TLS13_AD_CERTIFICATE_REQUIRED; // to OpenSSL 3.0's function
  auto const said =
      std::string(" by the alert \"") + (is_known ? SSL_alert_desc_string_long(alert) : "certificate required") + '"';
  switch (alert) {
  case SSL_AD_PROTOCOL_VERSION:
    return numbered("the server speaks neither TLS 1.2 nor 1.3" + said, number::tls_not_in_common);
  case SSL_AD_UNRECOGNIZED_NAME:
    return numbered("the server does not know the name " + std::string(server_name) + said, number::tls_wrong_name);
  case SSL_AD_NO_APPLICATION_PROTOCOL:
    return numbered("the server does not speak HTTP/1.1 here" + said, number::tls_not_in_common);
  case SSL_AD_HANDSHAKE_FAILURE:
    if (ours == client_certificate::not_asked_for)
      return numbered("the server has no cipher or parameter in common with us" + said, number::tls_not_in_common);
    [[fallthrough]];
  case TLS13_AD_CERTIFICATE_REQUIRED:
  case SSL_AD_NO_CERTIFICATE:
  case SSL_AD_BAD_CERTIFICATE:
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
  case SSL_AD_CERTIFICATE_REVOKED:
  case SSL_AD_CERTIFICATE_EXPIRED:
  case SSL_AD_CERTIFICATE_UNKNOWN:
  case SSL_AD_UNKNOWN_CA:
  case SSL_AD_ACCESS_DENIED:
    if (ours == client_certificate::missing)
      return numbered("the server requires a client certificate, and the module names none" + said,
                      number::tls_client_certificate);
    if (ours == client_certificate::shown)
      return numbered("the server refuses our client certificate" + said, number::tls_client_certificate);
    break;
  default:
    break;
  }
  return numbered("the server broke off TLS" + said, number::tls_broken);
}

} // namespace

std::string to_text(asn1_string_st const* time) {
  std::tm parts{};
  std::array<char, 64> text{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    return "a date that cannot be read";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::int64_t unix_seconds_of(asn1_string_st const* time) noexcept {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

std::string subject_of(x509_st const* certificate) {
  auto const text = name_text(X509_get_subject_name(certificate));
  return text.empty() ? "without a subject" : text;
}

std::string last_openssl_error() {
  char const* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "unknown error" : reason;
}

std::string refusal_of(x509_store_ctx_st* verification, std::string_view server_name, std::string_view trusted_place) {
  X509 const* const at = X509_STORE_CTX_get_current_cert(verification);
  int const why = X509_STORE_CTX_get_error(verification);
  int const depth = X509_STORE_CTX_get_error_depth(verification);
  if (at == nullptr)
    return numbered(std::string("the certificate is refused: ") + X509_verify_cert_error_string(why),
                    number::tls_certificate_refused);
  switch (why) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return numbered("the certificate is for " + names_of(at) + "; expected " + std::string(server_name),
                    number::tls_wrong_name);
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return numbered(of(at, depth) + " expired on " + to_text(X509_get0_notAfter(at)), number::tls_certificate_refused);
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return numbered(of(at, depth) + " is valid from " + to_text(X509_get0_notBefore(at)) + " on",
                    number::tls_certificate_refused);
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    return numbered(of(at, depth) + " is self-signed and" + untrusted(trusted_place), number::tls_certificate_refused);
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    return numbered("the root of the certificate (" + subject_of(at) + ')' + untrusted(trusted_place),
                    number::tls_certificate_refused);
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    return numbered("the issuer of " + of(at, depth) + ", " + name_text(X509_get_issuer_name(at)) +
                        ", is neither sent by the server nor among " + std::string(trusted_place),
                    number::tls_certificate_refused);
  default:
    return numbered(of(at, depth) + " is refused: " + X509_verify_cert_error_string(why),
                    number::tls_certificate_refused);
  }
}

std::string fault_of(unsigned long openssl_error, handshake_state at, std::string_view server_name,
                     client_certificate ours) {
  int const reason = ERR_GET_REASON(openssl_error);
  if (ERR_GET_LIB(openssl_error) == ERR_LIB_SSL) {
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
      return alert_fault(reason - SSL_AD_REASON_OFFSET, server_name, ours);
    if (reason == SSL_R_WRONG_VERSION_NUMBER && at == handshake_state::under_way)
      return numbered("the server does not speak TLS; is it http?", number::tls_not_in_common);
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
      return numbered("the server speaks neither TLS 1.2 nor 1.3", number::tls_not_in_common);
  }
  char const* const text = ERR_reason_error_string(openssl_error);
  return numbered(std::string("TLS broke off: ") + (text == nullptr ? "unknown error" : text), number::tls_broken);
}

} // namespace statefund::endpoint
