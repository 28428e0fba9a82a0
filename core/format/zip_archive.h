#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/status.h"

namespace distill::core {

/// The directory of a zip archive held in memory (PKWARE APPNOTE 6.3.10, with zip64), as
/// torch.save writes them: entries stored without compression. Refers to the bytes given to Open,
/// which must outlive it. Thread-compatible: const calls may run together.
class ZipArchive {
 public:
  /// Reads the directory. Time and memory are bounded by a small multiple of the bytes' size.
  /// kDataLoss: there is no whole directory (the archive is cut short or damaged).
  /// kInvalidArgument: spans several files, or two entries have one name.
  static Result<ZipArchive> Open(std::string_view bytes);

  /// Returns the content of the entry `name`, after checking its CRC-32. A CRC of zero means that
  /// the writer left it out, as torch.save can be told to.
  /// kNotFound: no such entry. kInvalidArgument: compressed or encrypted. kDataLoss: damaged.
  Result<std::string_view> Read(const std::string& name) const;

  bool Contains(const std::string& name) const { return entries_.count(name) > 0; }

  /// Returns the full name of the first entry whose name ends with `suffix`, or an empty text.
  std::string FindBySuffix(std::string_view suffix) const;

  /// Whether any entry's name contains `part`.
  bool AnyNameContains(std::string_view part) const;

 private:
  struct Entry {
    uint16_t flags = 0;
    uint16_t method = 0;
    uint32_t crc32 = 0;
    uint64_t stored_bytes = 0;
    uint64_t content_bytes = 0;
    uint64_t header_offset = 0;
  };
  struct Directory;

  explicit ZipArchive(std::string_view bytes) : bytes_(bytes) {}
  Status ReadDirectory(const Directory& directory);

  std::string_view bytes_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace distill::core
