#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "core/base/status.h"

namespace grpc {
class ServerCredentials;
}

namespace distill::server {

/// Files in PEM form.
struct TlsFiles {
  std::filesystem::path certificate;  // with the chain up to the authority; "" = no TLS
  std::filesystem::path key;
  std::filesystem::path client_ca;  // "" = clients need no certificate

  /// How often the files are looked at again.
  std::chrono::seconds refresh{10};

  bool is_on() const { return !certificate.empty(); }
};

/// Reads the files and checks that they can serve: certificate and key in PEM form, belonging
/// together, the key not for everybody to read. Returns the milliseconds (Unix time) at which the
/// certificate expires, or has expired: that is no failure, since jobs must go on.
/// kFailedPrecondition: something is wrong; the message names option, file and remedy. Blocks on
/// disk.
Result<int64_t> CheckTlsFiles(const TlsFiles& files);

/// Returns the credentials of a listening port: TLS with `files`, which are looked at again now and
/// then, so that a renewed certificate is taken without a restart; plain text where TLS is off.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files);

}  // namespace distill::server
