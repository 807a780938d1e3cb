// The files are read into memory first: what is checked is what is used, and what the fingerprint is made of.

#include "endpoint/tls_context.hpp"

#include "clock/clock.hpp"
#include "endpoint/tls_client.hpp"
#include "endpoint/tls_words.hpp"
#include "error/ensure.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace statefund::endpoint {

namespace {

// What a file is named by, in what is told of it.
constexpr std::string_view system_store = "the system's trust store";
constexpr std::string_view trust_cacerts = "\"trust_cacerts\"";
constexpr std::string_view client_cert = "\"client_cert\"";
constexpr std::string_view client_key = "\"client_key\"";
constexpr std::string_view client_key_password = "\"client_key_password\"";

constexpr std::chrono::days expires_soon{14};

struct free_openssl {
  void operator()(BIO* owned) const noexcept { BIO_free(owned); }
  void operator()(X509* owned) const noexcept { X509_free(owned); }
  void operator()(EVP_PKEY* owned) const noexcept { EVP_PKEY_free(owned); }
};
template <class T>
using owned = std::unique_ptr<T, free_openssl>;

// What a file held, wiped at its end. A vector: a moved one leaves nothing behind.
struct file_content {
  std::vector<char> bytes;
  std::string fault; // why it could not be read; empty if it was

  file_content() = default;
  file_content(file_content&&) = default;
  file_content& operator=(file_content&&) = delete;
  ~file_content() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

// The file is read in one piece, so that no half of a key is left in memory that was grown out of.
std::string read_into(std::vector<char>& bytes, int file) {
  struct stat about {};
  if (::fstat(file, &about) != 0)
    return "cannot be read: " + reason(errno);
  if (!S_ISREG(about.st_mode))
    return "is no regular file";
  if (about.st_size > static_cast<off_t>(tls_context::file_bytes_max))
    return "has more than " + std::to_string(tls_context::file_bytes_max) + " bytes";
  bytes.resize(static_cast<std::size_t>(about.st_size));
  std::size_t had = 0;
  while (had < bytes.size()) {
    ssize_t const got = ::read(file, bytes.data() + had, bytes.size() - had);
    if (got == 0)
      break;
    if (got < 0 && errno != EINTR)
      return "cannot be read: " + reason(errno);
    had += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  bytes.resize(had);
  return {};
}

file_content read(std::string const& path) {
  file_content content;
  // Not blocking: a named pipe would wait for its writer.
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    content.fault = "cannot be read: " + reason(errno);
    return content;
  }
  content.fault = read_into(content.bytes, file);
  ::close(file);
  return content;
}

owned<BIO> over(std::vector<char> const& bytes) {
  return owned<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// All certificates of a PEM text in their order; the fault is empty if there is at least one, and all can be read.
struct certificates {
  std::vector<owned<X509>> all;
  std::string fault;
};

certificates certificates_in(std::vector<char> const& bytes) {
  certificates found;
  auto const from = over(bytes);
  for (;;) {
    ERR_clear_error();
    owned<X509> next(PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
    if (!next)
      break;
    found.all.push_back(std::move(next));
  }
  auto const end = ERR_peek_last_error();
  if (ERR_GET_LIB(end) != ERR_LIB_PEM || ERR_GET_REASON(end) != PEM_R_NO_START_LINE)
    found.fault = "has a certificate, number " + std::to_string(found.all.size() + 1) +
                  ", that cannot be read: " + last_openssl_error();
  else if (found.all.empty())
    found.fault = "holds no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----";
  return found;
}

struct key_reading {
  std::string_view password;
  bool is_encrypted = false;
};

int give_password(char* into, int room, int, void* user) {
  auto& reading = *static_cast<key_reading*>(user);
  reading.is_encrypted = true;
  if (reading.password.empty() || reading.password.size() > static_cast<std::size_t>(room))
    return -1;
  std::memcpy(into, reading.password.data(), reading.password.size());
  return static_cast<int>(reading.password.size());
}

std::string_view first_line(file_content const& of) {
  std::string_view const text(of.bytes.data(), of.bytes.size());
  auto const line = text.substr(0, text.find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::string environment_or(char const* name, char const* otherwise) {
  char const* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

} // namespace

class tls_loader {
 public:
  explicit tls_loader(tls_files const& files)
      : made_(new tls_context),
        now_seconds_(clock::unix_ms() / 1000),
        fingerprint_(EVP_MD_CTX_new()) {
    made_->files_ = files;
    made_->handle_.reset(SSL_CTX_new(TLS_client_method()));
    ensure(made_->handle_ && fingerprint_, "OpenSSL has memory");
    ensure(EVP_DigestInit_ex(fingerprint_.get(), EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
  }

  tls_loaded load() && {
    set_up();
    if (files().trust_cacerts.empty())
      trust_system();
    else
      trust_file();
    if (!files().client_cert.empty())
      show_certificate();
    finish_fingerprint();
    auto const is_error = [](tls_problem const& each) { return each.severity == tls_severity::error; };
    if (std::any_of(problems_.begin(), problems_.end(), is_error))
      return {nullptr, std::move(problems_)};
    return {std::move(made_), std::move(problems_)};
  }

 private:
  struct free_digest {
    void operator()(EVP_MD_CTX* held) const noexcept { EVP_MD_CTX_free(held); }
  };

  tls_files const& files() const noexcept { return made_->files_; }
  SSL_CTX* handle() const noexcept { return made_->handle(); }

  void add(tls_severity severity, std::string_view named, std::string const& path, std::string const& what) {
    problems_.push_back({severity, std::string(named) + " is \"" + path + "\", which " + what});
  }

  // Nothing if the file cannot be read, which has been told then.
  std::optional<file_content> content_of(std::string_view named, std::string const& path) {
    auto content = read(path);
    if (!content.fault.empty()) {
      add(tls_severity::error, named, path, content.fault);
      return std::nullopt;
    }
    auto const size = content.bytes.size();
    EVP_DigestUpdate(fingerprint_.get(), &size, sizeof size);
    EVP_DigestUpdate(fingerprint_.get(), content.bytes.data(), size);
    return content;
  }

  void finish_fingerprint() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    EVP_DigestFinal_ex(fingerprint_.get(), bytes.data(), &size);
    made_->fingerprint_.assign(bytes.begin(), bytes.begin() + size);
  }

  void set_up() {
    SSL_CTX_set_min_proto_version(handle(), TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(handle(), TLS1_3_VERSION);
    SSL_CTX_set_options(handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // A connection that waits keeps no buffers; a record is taken with one read; a write ends where the socket is full.
    SSL_CTX_set_mode(handle(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(handle(), 1);
    constexpr std::array<unsigned char, 9> http{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(handle(), http.data(), http.size());
    SSL_CTX_set_session_cache_mode(handle(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(handle(), &tls_client::session_made);
    // Whoever is named as trusted is, be it a root or not.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle()), X509_V_FLAG_PARTIAL_CHAIN);
  }

  void trust(certificates const& found) {
    for (auto const& each : found.all)
      X509_STORE_add_cert(SSL_CTX_get_cert_store(handle()), each.get());
  }

  void trust_file() {
    made_->trusted_place_ = "the certificates of " + files().trust_cacerts;
    auto const content = content_of(trust_cacerts, files().trust_cacerts);
    if (!content)
      return;
    auto const found = certificates_in(content->bytes);
    if (!found.fault.empty())
      return add(tls_severity::error, trust_cacerts, files().trust_cacerts, found.fault);
    trust(found);
    auto const is_valid = [this](owned<X509> const& each) {
      return starts(each) <= now_seconds_ && now_seconds_ < ends(each);
    };
    if (std::any_of(found.all.begin(), found.all.end(), is_valid))
      return;
    auto const ends_before = [](owned<X509> const& left, owned<X509> const& right) { return ends(left) < ends(right); };
    auto const& last = *std::max_element(found.all.begin(), found.all.end(), ends_before);
    add(tls_severity::warning, trust_cacerts, files().trust_cacerts,
        "holds no certificate that is valid today; the last one is valid from " +
            to_text(X509_get0_notBefore(last.get())) + " to " + to_text(X509_get0_notAfter(last.get())));
  }

  // Debian's has all in one file; a directory that is named by hash is looked into as well.
  void trust_system() {
    made_->trusted_place_ = "the certificates that the system trusts";
    auto const file = environment_or(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    auto const directory = environment_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    bool const has_file = ::access(file.c_str(), F_OK) == 0;
    if (has_file) {
      auto const content = content_of(system_store, file);
      if (!content)
        return;
      auto const found = certificates_in(content->bytes);
      if (!found.fault.empty())
        return add(tls_severity::error, system_store, file, found.fault);
      trust(found);
    }
    std::error_code no_directory;
    if (!std::filesystem::is_empty(directory, no_directory) && !no_directory)
      X509_STORE_load_path(SSL_CTX_get_cert_store(handle()), directory.c_str());
    else if (!has_file)
      problems_.push_back({tls_severity::error, "the system trusts nobody: there is neither " + file +
                                                    " nor anything in " + directory +
                                                    "; expected \"trust_cacerts\", or the package ca-certificates"});
  }

  static std::int64_t starts(owned<X509> const& certificate) {
    return unix_seconds_of(X509_get0_notBefore(certificate.get()));
  }
  static std::int64_t ends(owned<X509> const& certificate) {
    return unix_seconds_of(X509_get0_notAfter(certificate.get()));
  }

  void show_certificate() {
    auto const content = content_of(client_cert, files().client_cert);
    auto const private_key = read_key();
    if (!content)
      return;
    auto const found = certificates_in(content->bytes);
    if (!found.fault.empty())
      return add(tls_severity::error, client_cert, files().client_cert, found.fault);
    for (auto const& each : found.all)
      judge_dates(each);
    ERR_clear_error();
    bool taken = SSL_CTX_use_certificate(handle(), found.all.front().get()) == 1;
    for (std::size_t i = 1; taken && i < found.all.size(); ++i)
      taken = SSL_CTX_add1_chain_cert(handle(), found.all[i].get()) == 1;
    if (!taken)
      return add(tls_severity::error, client_cert, files().client_cert, "TLS does not take: " + last_openssl_error());
    if (!private_key)
      return;
    if (X509_check_private_key(found.all.front().get(), private_key.get()) != 1)
      return add(tls_severity::error, client_key, files().client_key,
                 "does not belong to the first certificate of \"" + files().client_cert + '"');
    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey(handle(), private_key.get()) != 1)
      add(tls_severity::error, client_key, files().client_key, "TLS does not take: " + last_openssl_error());
  }

  // Nothing if there is none, or if it cannot be read, which has been told then.
  std::optional<file_content> read_password() {
    auto const& path = files().client_key_password;
    if (path.empty())
      return std::nullopt;
    auto content = content_of(client_key_password, path);
    if (content && first_line(*content).empty()) {
      add(tls_severity::error, client_key_password, path, "has no password in its first line");
      return std::nullopt;
    }
    return content;
  }

  // Null if it cannot be read, which has been told then.
  owned<EVP_PKEY> read_key() {
    auto const& path = files().client_key;
    auto const content = content_of(client_key, path);
    auto const password = read_password();
    bool const lacks_password = !files().client_key_password.empty() && !password;
    if (!content || lacks_password)
      return nullptr;
    key_reading reading;
    if (password)
      reading.password = first_line(*password);
    ERR_clear_error();
    owned<EVP_PKEY> found(PEM_read_bio_PrivateKey(over(content->bytes).get(), nullptr, &give_password, &reading));
    if (found)
      return found;
    if (!reading.is_encrypted)
      add(tls_severity::error, client_key, path,
          "holds no private key; expected PEM (PKCS#8), which begins with -----BEGIN PRIVATE KEY-----");
    else if (password)
      add(tls_severity::error, client_key, path,
          "cannot be decrypted with the password in \"" + files().client_key_password + '"');
    else
      add(tls_severity::error, client_key, path, "is encrypted; expected \"client_key_password\" as well");
    return nullptr;
  }

  void judge_dates(owned<X509> const& certificate) {
    auto const warn = [&](std::string const& what) {
      add(tls_severity::warning, client_cert, files().client_cert,
          "holds a certificate (" + subject_of(certificate.get()) + ") that " + what);
    };
    auto const end = ends(certificate);
    constexpr std::int64_t day = std::chrono::seconds(std::chrono::days(1)).count();
    if (now_seconds_ < starts(certificate))
      warn("is valid from " + to_text(X509_get0_notBefore(certificate.get())) + " on");
    else if (end <= now_seconds_)
      warn("expired on " + to_text(X509_get0_notAfter(certificate.get())));
    else if (end - now_seconds_ < expires_soon.count() * day)
      warn("expires on " + to_text(X509_get0_notAfter(certificate.get())) + ", in " +
           std::to_string((end - now_seconds_) / day) + " days");
  }

  std::shared_ptr<tls_context> made_;
  std::vector<tls_problem> problems_;
  std::int64_t now_seconds_;
  std::unique_ptr<EVP_MD_CTX, free_digest> fingerprint_;
};

void tls_context::free_handle::operator()(ssl_ctx_st* owned) const noexcept {
  SSL_CTX_free(owned);
}

tls_loaded tls_context::load(tls_files const& files) {
  return tls_loader(files).load();
}

bool tls_context::is_same_as(tls_context const& other) const noexcept {
  return files_ == other.files_ && fingerprint_ == other.fingerprint_;
}

} // namespace statefund::endpoint
