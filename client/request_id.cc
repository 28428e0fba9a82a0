#include "client/request_id.h"

#include <array>
#include <cstdint>
#include <random>

namespace distill::client {

std::string MakeRequestId() {
  std::random_device entropy;
  std::array<uint8_t, 16> bytes{};
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(entropy() & 0xFFU);
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0FU) | 0x40U);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3FU) | 0x80U);  // variant of RFC 4122

  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) text += '-';
    text += kDigits[bytes[index] >> 4U];
    text += kDigits[bytes[index] & 0x0FU];
  }
  return text;
}

}  // namespace distill::client
