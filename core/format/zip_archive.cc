#include "core/format/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "core/format/byte_reader.h"

namespace distill::core {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64LocatorSignature = 0x07064b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64LocatorBytes = 20;
constexpr size_t kMaxCommentBytes = 65535;
constexpr uint16_t kZip64ExtraId = 1;
constexpr uint32_t kInZip64 = 0xffffffff;
constexpr uint16_t kStored = 0;
constexpr uint16_t kEncryptedFlag = 1;

Status CutShort() {
  return Status(Code::kDataLoss, "zip archive is cut short or damaged: it has no whole directory");
}

/// Returns where the end record stands, or npos: the last place that holds its signature and a
/// comment length that reaches exactly to the end.
size_t FindEndRecord(std::string_view bytes) {
  if (bytes.size() < kEndBytes) return std::string_view::npos;
  const size_t last = bytes.size() - kEndBytes;
  const size_t first = last > kMaxCommentBytes ? last - kMaxCommentBytes : 0;
  for (size_t position = last + 1; position-- > first;) {
    if (bytes[position] != 'P') continue;
    ByteReader reader(bytes, position);
    uint32_t signature = 0;
    if (!reader.Take(signature) || signature != kEndSignature) continue;
    std::string_view skipped;
    uint16_t comment_bytes = 0;
    if (reader.Take(16, skipped) && reader.Take(comment_bytes) &&
        reader.remaining() == comment_bytes) {
      return position;
    }
  }
  return std::string_view::npos;
}

/// Fills in what a zip64 extra field holds: exactly the fields that overflowed, in this order.
bool ApplyZip64(std::string_view extra, uint64_t& content, uint64_t& stored, uint64_t& offset) {
  ByteReader reader(extra);
  while (reader.remaining() > 0) {
    uint16_t id = 0;
    uint16_t size = 0;
    std::string_view field;
    if (!reader.Take(id) || !reader.Take(size) || !reader.Take(uint64_t{size}, field)) return false;
    if (id != kZip64ExtraId) continue;
    ByteReader values(field);
    return (content != kInZip64 || values.Take(content)) &&
           (stored != kInZip64 || values.Take(stored)) &&
           (offset != kInZip64 || values.Take(offset));
  }
  return content != kInZip64 && stored != kInZip64 && offset != kInZip64;
}

}  // namespace

/// Where the central directory lies.
struct ZipArchive::Directory {
  uint64_t num_entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;

  bool ReadFrom(std::string_view archive, size_t end_record);
  bool ReadZip64(std::string_view archive, size_t end_record);
};

bool ZipArchive::Directory::ReadFrom(std::string_view archive, size_t end_record) {
  ByteReader reader(archive, end_record + sizeof(kEndSignature));
  uint16_t disk = 0;
  uint16_t directory_disk = 0;
  uint16_t entries_here = 0;
  uint16_t entries_total = 0;
  uint32_t size = 0;
  uint32_t start = 0;
  if (!reader.Take(disk) || !reader.Take(directory_disk) || !reader.Take(entries_here) ||
      !reader.Take(entries_total) || !reader.Take(size) || !reader.Take(start)) {
    return false;
  }
  num_entries = entries_total;
  bytes = size;
  offset = start;
  const bool needs_zip64 = entries_total == 0xffff || size == kInZip64 || start == kInZip64;
  if (ReadZip64(archive, end_record)) return true;
  return !needs_zip64 && disk == 0 && directory_disk == 0 && entries_here == entries_total;
}

bool ZipArchive::Directory::ReadZip64(std::string_view archive, size_t end_record) {
  if (end_record < kEnd64LocatorBytes) return false;
  ByteReader locator(archive, end_record - kEnd64LocatorBytes);
  uint32_t signature = 0;
  uint32_t disk = 0;
  uint64_t record = 0;
  if (!locator.Take(signature) || signature != kEnd64LocatorSignature || !locator.Take(disk) ||
      !locator.Take(record) || record >= archive.size()) {
    return false;
  }
  ByteReader reader(archive, static_cast<size_t>(record));
  std::string_view skipped;
  uint64_t entries_here = 0;
  // Record size (8), versions (2 + 2) and disk numbers (4 + 4).
  return reader.Take(signature) && signature == kEnd64Signature && reader.Take(20, skipped) &&
         reader.Take(entries_here) && reader.Take(num_entries) && entries_here == num_entries &&
         reader.Take(bytes) && reader.Take(offset);
}

Result<ZipArchive> ZipArchive::Open(std::string_view bytes) {
  const size_t end_record = FindEndRecord(bytes);
  if (end_record == std::string_view::npos) return CutShort();
  Directory directory;
  if (!directory.ReadFrom(bytes, end_record)) return CutShort();
  ZipArchive archive(bytes);
  DISTILL_RETURN_IF_ERROR(archive.ReadDirectory(directory));
  return archive;
}

Status ZipArchive::ReadDirectory(const Directory& directory) {
  if (directory.offset > bytes_.size() || directory.bytes > bytes_.size() - directory.offset) {
    return CutShort();
  }
  ByteReader reader(
      bytes_.substr(static_cast<size_t>(directory.offset), static_cast<size_t>(directory.bytes)));
  for (uint64_t index = 0; index < directory.num_entries; ++index) {
    Entry entry;
    uint32_t signature = 0;
    uint32_t stored = 0;
    uint32_t content = 0;
    uint32_t offset = 0;
    uint16_t name_bytes = 0;
    uint16_t extra_bytes = 0;
    uint16_t comment_bytes = 0;
    std::string_view skipped;
    std::string_view name;
    std::string_view extra;
    const bool is_whole =
        reader.Take(signature) && signature == kCentralSignature && reader.Take(4, skipped) &&
        reader.Take(entry.flags) && reader.Take(entry.method) && reader.Take(4, skipped) &&
        reader.Take(entry.crc32) && reader.Take(stored) && reader.Take(content) &&
        reader.Take(name_bytes) && reader.Take(extra_bytes) && reader.Take(comment_bytes) &&
        reader.Take(8, skipped) && reader.Take(offset) && reader.Take(uint64_t{name_bytes}, name) &&
        reader.Take(uint64_t{extra_bytes}, extra) && reader.Take(uint64_t{comment_bytes}, skipped);
    entry.stored_bytes = stored;
    entry.content_bytes = content;
    entry.header_offset = offset;
    if (!is_whole ||
        !ApplyZip64(extra, entry.content_bytes, entry.stored_bytes, entry.header_offset)) {
      return CutShort();
    }
    if (!entries_.emplace(std::string(name), entry).second) {
      return Status(Code::kInvalidArgument,
                    "zip archive holds two entries named " + std::string(name));
    }
  }
  return Status::Ok();
}

Result<std::string_view> ZipArchive::Read(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return Status(Code::kNotFound, "zip archive has no entry " + name);
  const Entry& entry = found->second;
  if (entry.method != kStored || (entry.flags & kEncryptedFlag) != 0 ||
      entry.stored_bytes != entry.content_bytes) {
    return Status(Code::kInvalidArgument,
                  "zip entry is compressed or encrypted; torch.save stores entries as they are: "
                  "save the file anew with torch.save. Entry: " +
                      name);
  }
  const Status damaged(Code::kDataLoss, "zip archive is damaged at entry " + name);
  if (entry.header_offset > bytes_.size()) return damaged;
  ByteReader reader(bytes_, static_cast<size_t>(entry.header_offset));
  uint32_t signature = 0;
  uint16_t name_bytes = 0;
  uint16_t extra_bytes = 0;
  std::string_view skipped;
  std::string_view content;
  if (!reader.Take(signature) || signature != kLocalSignature || !reader.Take(22, skipped) ||
      !reader.Take(name_bytes) || !reader.Take(extra_bytes) ||
      !reader.Take(uint64_t{name_bytes}, skipped) || skipped != name ||
      !reader.Take(uint64_t{extra_bytes}, skipped) || !reader.Take(entry.stored_bytes, content)) {
    return damaged;
  }
  if (entry.crc32 != 0 &&
      ::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()) != entry.crc32) {
    return damaged;
  }
  return content;
}

std::string ZipArchive::FindBySuffix(std::string_view suffix) const {
  std::string best;
  for (const auto& [name, entry] : entries_) {
    const bool ends = name.size() >= suffix.size() &&
                      name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
    if (ends && (best.empty() || name < best)) best = name;
  }
  return best;
}

bool ZipArchive::AnyNameContains(std::string_view part) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& named) {
    return named.first.find(part) != std::string::npos;
  });
}

}  // namespace distill::core
