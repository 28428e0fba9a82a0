#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace distill::core {

/// Writes a zip archive (PKWARE APPNOTE 6.3.10) whose entries are stored without compression, each
/// content at a multiple of 64 bytes, so that it can be used where it lies (torch.load with mmap).
/// The same entries always give the same bytes. Owned by one thread.
class ZipWriter {
 public:
  /// Writes to `descriptor` from its start; it must stay open. `path` is for messages only.
  ZipWriter(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  /// Appends an entry. Blocks on disk. kResourceExhausted: the disk is full. kInvalidArgument: the
  /// archive would be over 4 GiB, or has 65,535 entries already.
  Status Add(std::string name, std::string_view content);

  /// Writes the directory: the archive is whole then. Errors as Add.
  Status Finish();

 private:
  struct Entry {
    std::string name;
    uint32_t crc32 = 0;
    uint32_t bytes = 0;
    uint32_t header_offset = 0;
  };

  Status Write(std::string_view bytes);

  int descriptor_;
  std::filesystem::path path_;
  uint64_t offset_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace distill::core
