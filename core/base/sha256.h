#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill {

/// Computes a SHA-256 (FIPS 180-4) piece by piece. Owned by one thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view bytes);

  /// Returns the digest as 64 lower-case hexadecimal digits. Call it once, last.
  std::string HexDigest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Returns the hexadecimal SHA-256 of `bytes`.
std::string Sha256Hex(std::string_view bytes);

/// Returns the hexadecimal SHA-256 of the file at `path`. Blocks on disk.
/// kNotFound, kPermissionDenied, kUnavailable: the file cannot be read.
Result<std::string> Sha256HexOfFile(const std::filesystem::path& path);

}  // namespace distill
