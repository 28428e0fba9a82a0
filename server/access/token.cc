#include "server/access/token.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/sha256.h"

namespace distill::server {
namespace {

constexpr std::string_view kPrefix = "dst_";
constexpr size_t kRandomBytes = 32;
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<std::string> MakeToken() {
  std::array<uint8_t, kRandomBytes> random{};
  // Whole up to 256 bytes once the kernel's pool is ready, which it waits for.
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return Status(Code::kInternal, "the kernel gave no random numbers");
  }
  std::string token(kPrefix);
  for (const uint8_t byte : random) {
    token.push_back(kDigits[byte >> 4U]);
    token.push_back(kDigits[byte & 15U]);
  }
  return token;
}

bool IsTokenForm(std::string_view text) {
  return text.size() == kPrefix.size() + 2 * kRandomBytes &&
         text.substr(0, kPrefix.size()) == kPrefix &&
         std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](char c) { return kDigits.find(c) != std::string_view::npos; });
}

std::string HashOfToken(std::string_view token) { return Sha256Hex(token); }

}  // namespace distill::server
