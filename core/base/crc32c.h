#pragma once

#include <cstdint>
#include <string_view>

namespace distill {

/// Returns the CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continuing from `previous`,
/// the result for the bytes before them. Uses the SSE 4.2 instruction where the processor has it.
uint32_t Crc32c(std::string_view bytes, uint32_t previous = 0);

}  // namespace distill
