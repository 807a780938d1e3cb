#include "support/certificates.hpp"

#include "error/ensure.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <unistd.h>

namespace statefund::support {

namespace {

struct free_openssl {
  void operator()(BIO* owned) const noexcept { BIO_free(owned); }
  void operator()(X509* owned) const noexcept { X509_free(owned); }
  void operator()(EVP_PKEY* owned) const noexcept { EVP_PKEY_free(owned); }
  void operator()(X509_EXTENSION* owned) const noexcept { X509_EXTENSION_free(owned); }
};
template <class T>
using owned = std::unique_ptr<T, free_openssl>;

template <class Write>
std::string pem(Write write) {
  owned<BIO> const out(BIO_new(BIO_s_mem()));
  ensure(write(out.get()) == 1, "OpenSSL writes PEM");
  char* text = nullptr;
  long const size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

owned<BIO> over(std::string const& text) {
  return owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
owned<X509> certificate_of(identity const& from) {
  return owned<X509>(PEM_read_bio_X509(over(from.certificate).get(), nullptr, nullptr, nullptr));
}
owned<EVP_PKEY> key_of(std::string const& text) {
  return owned<EVP_PKEY>(PEM_read_bio_PrivateKey(over(text).get(), nullptr, nullptr, nullptr));
}

enum class role { authority, peer };

void extend(X509* certificate, int which, std::string const& value) {
  owned<X509_EXTENSION> const made(X509V3_EXT_conf_nid(nullptr, nullptr, which, value.c_str()));
  ensure(made && X509_add_ext(certificate, made.get(), -1) == 1, "OpenSSL takes the extension");
}

// `issuer`: null: it signs itself.
identity make(certificate_wish const& wish, role as, identity const* issuer) {
  owned<EVP_PKEY> const key(EVP_EC_gen("P-256"));
  owned<X509> const made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1U);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), wish.starts_unix_seconds);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), wish.ends_unix_seconds);
  auto const* const name = reinterpret_cast<unsigned char const*>(wish.common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  X509_set_pubkey(made.get(), key.get());
  extend(made.get(), NID_basic_constraints, as == role::authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  std::string names;
  for (auto const& each : wish.names)
    names += (names.empty() ? "" : ",") + each;
  if (as == role::peer && !names.empty())
    extend(made.get(), NID_subject_alt_name, names);
  if (issuer == nullptr) {
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    ensure(X509_sign(made.get(), key.get(), EVP_sha256()) > 0, "OpenSSL signs");
  } else {
    X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_of(*issuer).get()));
    ensure(X509_sign(made.get(), key_of(issuer->key).get(), EVP_sha256()) > 0, "OpenSSL signs");
  }
  auto const write_certificate = [&](BIO* out) { return PEM_write_bio_X509(out, made.get()); };
  auto const write_key = [&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  };
  return {pem(write_certificate), pem(write_key)};
}

} // namespace

identity make_root(std::string const& common_name, certificate_wish const& dates) {
  auto wish = dates;
  wish.common_name = common_name;
  return make(wish, role::authority, nullptr);
}

identity make_intermediate(std::string const& common_name, identity const& issuer) {
  certificate_wish wish;
  wish.common_name = common_name;
  return make(wish, role::authority, &issuer);
}

identity make_certificate(certificate_wish const& wish, identity const& issuer) {
  return make(wish, role::peer, &issuer);
}

identity make_self_signed(certificate_wish const& wish) {
  return make(wish, role::peer, nullptr);
}

std::string encrypt_key(std::string const& key, std::string const& password) {
  auto const write = [&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key_of(key).get(), EVP_aes_256_cbc(), password.data(),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  };
  return pem(write);
}

file_directory::file_directory() {
  path_ = (std::filesystem::temp_directory_path() / ("statefund-files-" + std::string(6, 'X'))).string();
  ensure(::mkdtemp(path_.data()) != nullptr, "there is room for a directory");
}

file_directory::~file_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string file_directory::write(std::string const& name, std::string const& text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

} // namespace statefund::support
