#include "endpoint/tls_words.hpp"

#include <catch2/catch.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

using namespace statefund::endpoint;

namespace {

unsigned long ssl_error(int reason) {
  return ERR_PACK(ERR_LIB_SSL, 0, reason);
}

std::string of_alert(int alert, client_certificate ours = client_certificate::not_asked_for) {
  return fault_of(ssl_error(SSL_AD_REASON_OFFSET + alert), handshake_state::under_way, "functions.example", ours);
}

} // namespace

TEST_CASE("a server's alert is told by name") {
  CHECK(of_alert(SSL_AD_PROTOCOL_VERSION) ==
        "the server speaks neither TLS 1.2 nor 1.3 by the alert \"protocol version\" (SF0212)");
  CHECK(of_alert(SSL_AD_UNRECOGNIZED_NAME) ==
        "the server does not know the name functions.example by the alert \"unrecognized name\" (SF0211)");
  CHECK(of_alert(SSL_AD_NO_APPLICATION_PROTOCOL) ==
        "the server does not speak HTTP/1.1 here by the alert \"no application protocol\" (SF0212)");
  CHECK(of_alert(SSL_AD_HANDSHAKE_FAILURE) ==
        "the server has no cipher or parameter in common with us by the alert \"handshake failure\" (SF0212)");
  CHECK(of_alert(SSL_AD_INTERNAL_ERROR) == "the server broke off TLS by the alert \"internal error\" (SF0214)");
}

TEST_CASE("an alert about certificates is about ours if the server asked for it") {
  for (int const alert : {SSL_AD_HANDSHAKE_FAILURE, SSL_AD_BAD_CERTIFICATE, SSL_AD_CERTIFICATE_EXPIRED,
                          SSL_AD_UNKNOWN_CA, SSL_AD_ACCESS_DENIED}) {
    std::string const said = " by the alert \"" + std::string(SSL_alert_desc_string_long(alert)) + "\" (SF0213)";
    CHECK(of_alert(alert, client_certificate::missing) ==
          "the server requires a client certificate, and the module names none" + said);
    CHECK(of_alert(alert, client_certificate::shown) == "the server refuses our client certificate" + said);
  }
  CHECK(of_alert(TLS13_AD_CERTIFICATE_REQUIRED, client_certificate::missing) ==
        "the server requires a client certificate, and the module names none by the alert \"certificate required\" "
        "(SF0213)");
  CHECK(of_alert(SSL_AD_UNKNOWN_CA) == "the server broke off TLS by the alert \"unknown CA\" (SF0214)");
}

TEST_CASE("what a server sends instead of TLS is told") {
  auto const fault = [](int reason, handshake_state at = handshake_state::under_way) {
    return fault_of(ssl_error(reason), at, "functions.example", client_certificate::not_asked_for);
  };
  CHECK(fault(SSL_R_WRONG_VERSION_NUMBER) == "the server does not speak TLS; is it http? (SF0212)");
  CHECK(fault(SSL_R_WRONG_VERSION_NUMBER, handshake_state::done) == "TLS broke off: wrong version number (SF0214)");
  CHECK(fault(SSL_R_UNSUPPORTED_PROTOCOL) == "the server speaks neither TLS 1.2 nor 1.3 (SF0212)");
  CHECK(fault(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC) ==
        "TLS broke off: decryption failed or bad record mac (SF0214)");
}
