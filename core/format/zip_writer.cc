#include "core/format/zip_writer.h"

#include <zlib.h>

#include <limits>
#include <utility>

#include "core/base/durable_file.h"
#include "core/format/byte_writer.h"

namespace distill::core {
namespace {

constexpr uint64_t kMaxArchiveBytes = std::numeric_limits<uint32_t>::max();
constexpr size_t kMaxEntries = std::numeric_limits<uint16_t>::max() - 1;
constexpr uint64_t kContentAlignment = 64;
constexpr uint64_t kLocalHeaderBytes = 30;  // without name and extra field
constexpr uint64_t kExtraHeaderBytes = 4;
constexpr uint16_t kPaddingId = 0x4246;  // "FB", as PyTorch's own writer has it
constexpr uint16_t kZipVersion = 20;     // 2.0: plain files
constexpr uint16_t kFirstDay = 0x21;     // 1980-01-01, so that equal contents give equal archives

/// Returns an extra field after which the content of an entry is aligned.
std::string Padding(uint64_t header_offset, size_t name_bytes) {
  const uint64_t start = header_offset + kLocalHeaderBytes + name_bytes + kExtraHeaderBytes;
  const uint64_t padding = (kContentAlignment - start % kContentAlignment) % kContentAlignment;
  ByteWriter extra;
  extra.Put(kPaddingId);
  extra.Put(static_cast<uint16_t>(padding));
  return extra.Take() + std::string(static_cast<size_t>(padding), 'Z');
}

}  // namespace

Status ZipWriter::Write(std::string_view bytes) {
  if (offset_ + bytes.size() > kMaxArchiveBytes) {
    return Status(Code::kInvalidArgument, "a zip archive holds 4 GiB at most: " + path_.string());
  }
  DISTILL_RETURN_IF_ERROR(WriteAll(descriptor_, bytes, path_));
  offset_ += bytes.size();
  return Status::Ok();
}

Status ZipWriter::Add(std::string name, std::string_view content) {
  if (entries_.size() >= kMaxEntries || content.size() > kMaxArchiveBytes) {
    return Status(Code::kInvalidArgument, "too much for a zip archive: " + path_.string());
  }
  Entry entry;
  entry.name = std::move(name);
  entry.crc32 = static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  entry.bytes = static_cast<uint32_t>(content.size());
  entry.header_offset = static_cast<uint32_t>(offset_);
  const std::string extra = Padding(offset_, entry.name.size());
  ByteWriter header;
  header.PutText("PK\x03\x04");
  header.Put(kZipVersion);
  header.Put(uint16_t{0});  // flags
  header.Put(uint16_t{0});  // method: stored
  header.Put(uint16_t{0});  // time
  header.Put(kFirstDay);
  header.Put(entry.crc32);
  header.Put(entry.bytes);
  header.Put(entry.bytes);
  header.Put(static_cast<uint16_t>(entry.name.size()));
  header.Put(static_cast<uint16_t>(extra.size()));
  DISTILL_RETURN_IF_ERROR(Write(header.Take() + entry.name + extra));
  DISTILL_RETURN_IF_ERROR(Write(content));
  entries_.push_back(std::move(entry));
  return Status::Ok();
}

Status ZipWriter::Finish() {
  ByteWriter directory;
  for (const Entry& entry : entries_) {
    directory.PutText("PK\x01\x02");
    directory.Put(kZipVersion);  // made by
    directory.Put(kZipVersion);  // needed
    directory.Put(uint16_t{0});
    directory.Put(uint16_t{0});
    directory.Put(uint16_t{0});
    directory.Put(kFirstDay);
    directory.Put(entry.crc32);
    directory.Put(entry.bytes);
    directory.Put(entry.bytes);
    directory.Put(static_cast<uint16_t>(entry.name.size()));
    directory.Put(uint16_t{0});  // extra field
    directory.Put(uint16_t{0});  // comment
    directory.Put(uint16_t{0});  // disk
    directory.Put(uint16_t{0});  // internal attributes
    directory.Put(uint32_t{0});  // external attributes
    directory.Put(entry.header_offset);
    directory.PutText(entry.name);
  }
  const std::string bytes = directory.Take();
  ByteWriter end;
  end.PutText("PK\x05\x06");
  end.Put(uint16_t{0});  // disk
  end.Put(uint16_t{0});  // disk of the directory
  end.Put(static_cast<uint16_t>(entries_.size()));
  end.Put(static_cast<uint16_t>(entries_.size()));
  end.Put(static_cast<uint32_t>(bytes.size()));
  end.Put(static_cast<uint32_t>(offset_));
  end.Put(uint16_t{0});  // comment
  return Write(bytes + end.Take());
}

}  // namespace distill::core
