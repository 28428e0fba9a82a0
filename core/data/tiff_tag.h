#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace distill::core {

inline constexpr uint16_t kTiffImageWidth = 256;
inline constexpr uint16_t kTiffImageHeight = 257;
inline constexpr uint16_t kTiffOrientation = 274;

/// Returns the value of a SHORT or LONG tag in the first directory of a TIFF structure (TIFF 6.0,
/// section 2; EXIF data have the same form), or nullopt where it is absent or damaged. `bytes`
/// begin with the byte order mark.
std::optional<uint32_t> FindTiffTag(std::string_view bytes, uint16_t tag);

}  // namespace distill::core
