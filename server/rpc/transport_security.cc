#include "server/rpc/transport_security.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <string>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

constexpr uint64_t kMaxFileBytes = 1U << 20U;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

Status Wrong(const char* option, const std::filesystem::path& file, const std::string& what) {
  return {Code::kFailedPrecondition, std::string(option) + " " + what + ": " + file.string()};
}

Result<std::string> ReadPem(const char* option, const std::filesystem::path& file) {
  const Result<std::string> content = ReadFile(file, kMaxFileBytes);
  if (content.ok()) return *content;
  return Status(Code::kFailedPrecondition,
                std::string(option) + " cannot be read: " + content.status().message());
}

Result<Certificate> ReadCertificate(const char* option, const std::filesystem::path& file) {
  DISTILL_ASSIGN_OR_RETURN(const std::string pem, ReadPem(option, file));
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return Wrong(option, file, "holds no certificate in PEM form");
  return certificate;
}

Result<Key> ReadKey(const char* option, const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & S_IRWXO) != 0) {
    return Wrong(option, file, "may be opened by everybody; chmod o-rwx it");
  }
  DISTILL_ASSIGN_OR_RETURN(const std::string pem, ReadPem(option, file));
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // A key under a password is refused instead of asked for at the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!key) return Wrong(option, file, "holds no private key in PEM form, without a password");
  return key;
}

Result<int64_t> ExpiryOf(const X509& certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) != 1) {
    return Status(Code::kFailedPrecondition, "tls_certificate has no readable date of expiry");
  }
  return static_cast<int64_t>(::timegm(&parts)) * 1000;
}

}  // namespace

Result<int64_t> CheckTlsFiles(const TlsFiles& files) {
  DISTILL_ASSIGN_OR_RETURN(const Certificate certificate,
                           ReadCertificate("tls_certificate", files.certificate));
  DISTILL_ASSIGN_OR_RETURN(const Key key, ReadKey("tls_key", files.key));
  const bool belongs = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!belongs) {
    return Wrong("tls_key", files.key,
                 "does not belong to the certificate " + files.certificate.string());
  }
  if (!files.client_ca.empty()) {
    DISTILL_RETURN_IF_ERROR(ReadCertificate("tls_client_ca", files.client_ca).status());
  }
  return ExpiryOf(*certificate);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files) {
  if (!files.is_on()) return grpc::InsecureServerCredentials();
  const auto watcher = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key.string(), files.certificate.string(), files.client_ca.string(),
      static_cast<unsigned>(files.refresh.count()));
  grpc::experimental::TlsServerCredentialsOptions options(watcher);
  options.watch_identity_key_cert_pairs();
  if (files.client_ca.empty()) {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace distill::server
