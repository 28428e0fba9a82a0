#include "core/data/tiff_tag.h"

namespace distill::core {
namespace {

constexpr uint32_t kTypeShort = 3;
constexpr uint32_t kTypeLong = 4;
constexpr size_t kEntryBytes = 12;

// Reads unsigned numbers in the file's byte order; nullopt beyond its end.
class TiffReader {
 public:
  TiffReader(std::string_view bytes, bool is_big_endian)
      : bytes_(bytes), is_big_endian_(is_big_endian) {}

  std::optional<uint32_t> Number(size_t offset, size_t num_bytes) const {
    if (offset > bytes_.size() || bytes_.size() - offset < num_bytes) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < num_bytes; ++i) {
      const size_t at = is_big_endian_ ? i : num_bytes - 1 - i;
      value = (value << 8U) | static_cast<uint8_t>(bytes_[offset + at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool is_big_endian_;
};

}  // namespace

std::optional<uint32_t> FindTiffTag(std::string_view bytes, uint16_t tag) {
  if (bytes.size() < 8) return std::nullopt;
  const std::string_view order = bytes.substr(0, 2);
  if (order != "II" && order != "MM") return std::nullopt;
  const TiffReader reader(bytes, order == "MM");
  const size_t directory = reader.Number(4, 4).value();
  const std::optional<uint32_t> num_entries = reader.Number(directory, 2);
  if (!num_entries) return std::nullopt;
  for (uint32_t i = 0; i < *num_entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    const std::optional<uint32_t> entry_tag = reader.Number(entry, 2);
    if (!entry_tag) return std::nullopt;
    if (*entry_tag != tag) continue;
    const std::optional<uint32_t> type = reader.Number(entry + 2, 2);
    if (type == kTypeShort) return reader.Number(entry + 8, 2);
    return type == kTypeLong ? reader.Number(entry + 8, 4) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace distill::core
