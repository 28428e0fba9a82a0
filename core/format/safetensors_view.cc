#include "core/format/safetensors_view.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "core/base/crc32c.h"
#include "core/format/byte_reader.h"

namespace distill::core {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxDimensions = 64;
constexpr size_t kMaxTensorNameBytes = 1000;
constexpr char kMetadataKey[] = "__metadata__";
constexpr char kPayloadChecksum[] = "payload_crc32c";
constexpr char kHeaderChecksum[] = "header_crc32c";

struct DtypeSize {
  std::string_view name;
  int64_t bytes;
};
constexpr DtypeSize kDtypeSizes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                     {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};

/// One tensor as the header describes it.
struct Entry {
  std::string name;
  std::string dtype_name;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

Status BadHeader(const std::string& what) {
  return Status(Code::kInvalidArgument, "not a valid safetensors file: " + what);
}

/// Returns what the header's checksum covers: every entry and every metadata text, in file order.
uint32_t HeaderChecksum(const std::vector<Entry>& entries,
                        const std::map<std::string, std::string>& metadata) {
  std::string text;
  for (const Entry& entry : entries) {
    text += std::to_string(entry.name.size()) + ':' + entry.name + ' ' + entry.dtype_name;
    for (const int64_t size : entry.shape) text += ' ' + std::to_string(size);
    text += " @" + std::to_string(entry.begin) + '-' + std::to_string(entry.end) + '\n';
  }
  for (const auto& [key, value] : metadata) {
    if (key == kPayloadChecksum || key == kHeaderChecksum) continue;
    text += std::to_string(key.size()) + ':' + key + '=' + std::to_string(value.size()) + ':' +
            value + '\n';
  }
  return Crc32c(text);
}

/// Multiplies, and returns false on overflow of int64.
bool MultiplyInto(int64_t& product, int64_t factor) {
  return !__builtin_mul_overflow(product, factor, &product);
}

/// Collects the header's entries while it is parsed, so that no tree of it is ever held.
class HeaderCollector {
 public:
  /// nlohmann's parser callback. Returns whether to keep `parsed` in the tree.
  bool OnEvent(int depth, json::parse_event_t event, json& parsed) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth > 2) return Fail("the header nests too deeply");
    if (depth != 1) return true;
    if (event == json::parse_event_t::key) {
      name_ = parsed.get<std::string>();
      if (name_.size() > kMaxTensorNameBytes) return Fail("a name is over 1000 bytes long");
      if (!names_.insert(name_).second) return Fail("the name \"" + name_ + "\" occurs twice");
      return true;
    }
    if (opens) return event == json::parse_event_t::object_start || Fail("an entry is no object");
    if (event != json::parse_event_t::object_end) return Fail("an entry is no object");
    TakeEntry(parsed);
    return false;
  }

  const Status& status() const { return status_; }
  std::vector<Entry>& entries() { return entries_; }
  std::map<std::string, std::string>& metadata() { return metadata_; }

 private:
  bool Fail(const std::string& what) {
    if (status_.ok()) status_ = BadHeader(what);
    return false;
  }

  void TakeEntry(const json& parsed) {
    if (!status_.ok() || !parsed.is_object()) return;
    if (name_ == kMetadataKey) {
      TakeMetadata(parsed);
      return;
    }
    Entry entry;
    entry.name = name_;
    const std::string fault = ReadEntry(parsed, entry);
    if (!fault.empty()) {
      Fail("tensor \"" + name_ + "\" " + fault);
      return;
    }
    entries_.push_back(std::move(entry));
  }

  void TakeMetadata(const json& parsed) {
    for (const auto& [key, value] : parsed.items()) {
      if (!value.is_string()) {
        Fail("metadata \"" + key + "\" is no text");
        return;
      }
      metadata_[key] = value.get<std::string>();
    }
  }

  /// Returns the fault, or an empty text.
  static std::string ReadEntry(const json& parsed, Entry& entry) {
    const auto dtype = parsed.find("dtype");
    const auto shape = parsed.find("shape");
    const auto offsets = parsed.find("data_offsets");
    if (parsed.size() != 3 || dtype == parsed.end() || shape == parsed.end() ||
        offsets == parsed.end()) {
      return "has other fields than dtype, shape and data_offsets";
    }
    if (!dtype->is_string() || !shape->is_array() || !offsets->is_array() || offsets->size() != 2 ||
        !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned()) {
      return "has a field of the wrong kind";
    }
    entry.dtype_name = dtype->get<std::string>();
    entry.begin = (*offsets)[0].get<uint64_t>();
    entry.end = (*offsets)[1].get<uint64_t>();
    return ReadShape(*shape, entry);
  }

  static std::string ReadShape(const json& shape, Entry& entry) {
    int64_t bytes = ElementBytes(entry.dtype_name);
    if (bytes == 0) {
      return "has dtype " + entry.dtype_name + ", which is not supported: convert it to F32";
    }
    if (shape.size() > kMaxDimensions) return "has too many dimensions";
    for (const json& size : shape) {
      if (!size.is_number_unsigned() || size.get<uint64_t>() > uint64_t{INT64_MAX}) {
        return "has a size that is no whole number";
      }
      entry.shape.push_back(size.get<int64_t>());
    }
    bool is_empty = false;
    for (const int64_t size : entry.shape) {
      is_empty = is_empty || size == 0;
      // An empty tensor has strides too, which must not overflow.
      if (!MultiplyInto(bytes, std::max<int64_t>(size, 1))) return "is too large";
    }
    if (is_empty) bytes = 0;
    if (entry.end < entry.begin || entry.end - entry.begin != static_cast<uint64_t>(bytes)) {
      return "has data_offsets that do not fit its shape";
    }
    return "";
  }

  std::string name_;
  std::unordered_set<std::string> names_;
  std::vector<Entry> entries_;
  std::map<std::string, std::string> metadata_;
  Status status_;
};

/// Sorts entries into file order, and checks that they cover the payload without holes or overlaps.
Status CheckLayout(std::vector<Entry>& entries, uint64_t payload_bytes) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::make_pair(a.begin, a.end) < std::make_pair(b.begin, b.end);
  });
  uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      return BadHeader("the data of tensor \"" + entry.name +
                       "\" overlaps others or leaves a hole");
    }
    expected = entry.end;
  }
  if (expected > payload_bytes) {
    return Status(Code::kDataLoss, "safetensors file is cut short: it should hold " +
                                       std::to_string(expected) + " bytes of tensors, but has " +
                                       std::to_string(payload_bytes));
  }
  if (expected < payload_bytes) return BadHeader("bytes follow the last tensor");
  return Status::Ok();
}

std::string ChecksumText(uint32_t checksum) { return std::to_string(checksum); }

/// Compares the checksums that our writer adds, where the file has them, and takes them out.
Status CheckChecksums(const std::vector<Entry>& entries, std::string_view payload,
                      std::map<std::string, std::string>& metadata) {
  const auto header = metadata.find(kHeaderChecksum);
  const auto content = metadata.find(kPayloadChecksum);
  if (header == metadata.end() && content == metadata.end()) return Status::Ok();
  if (header == metadata.end() || content == metadata.end() ||
      header->second != ChecksumText(HeaderChecksum(entries, metadata))) {
    return Status(Code::kDataLoss, "file is damaged: its header does not match its checksum");
  }
  if (content->second != ChecksumText(Crc32c(payload))) {
    return Status(Code::kDataLoss, "file is damaged: its tensors do not match their checksum");
  }
  metadata.erase(kHeaderChecksum);
  metadata.erase(kPayloadChecksum);
  return Status::Ok();
}

Result<HeaderCollector> ParseHeader(std::string_view text) {
  // The JSON parser takes a zero byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) return BadHeader("its header holds a zero byte");
  HeaderCollector collector;
  const json tree = json::parse(
      text.begin(), text.end(),
      [&](int depth, json::parse_event_t event, json& parsed) {
        return collector.OnEvent(depth, event, parsed);
      },
      /*allow_exceptions=*/false);
  DISTILL_RETURN_IF_ERROR(collector.status());
  if (!tree.is_object()) return BadHeader("its header is not a JSON object");
  return collector;
}

}  // namespace

int64_t ElementBytes(std::string_view dtype) {
  const auto* known = std::find_if(std::begin(kDtypeSizes), std::end(kDtypeSizes),
                                   [&](const DtypeSize& size) { return size.name == dtype; });
  return known == std::end(kDtypeSizes) ? 0 : known->bytes;
}

bool LooksLikeSafetensors(std::string_view bytes) {
  uint64_t header_bytes = 0;
  return ByteReader(bytes).Take(header_bytes) && bytes.size() > sizeof(header_bytes) &&
         bytes[sizeof(header_bytes)] == '{' && header_bytes <= kMaxHeaderBytes;
}

Result<SafetensorsView> ViewSafetensors(std::string_view bytes) {
  ByteReader reader(bytes);
  uint64_t header_bytes = 0;
  std::string_view header;
  if (!reader.Take(header_bytes)) return BadHeader("it is shorter than eight bytes");
  if (header_bytes > kMaxHeaderBytes) return BadHeader("its header is over 100 MB");
  if (!reader.Take(header_bytes, header)) {
    return Status(Code::kDataLoss, "safetensors file is cut short: it ends inside its header");
  }
  DISTILL_ASSIGN_OR_RETURN(HeaderCollector collector, ParseHeader(header));
  const std::string_view payload = bytes.substr(reader.position());
  DISTILL_RETURN_IF_ERROR(CheckLayout(collector.entries(), payload.size()));
  DISTILL_RETURN_IF_ERROR(CheckChecksums(collector.entries(), payload, collector.metadata()));
  SafetensorsView view;
  view.metadata = std::move(collector.metadata());
  view.tensors.reserve(collector.entries().size());
  for (Entry& entry : collector.entries()) {
    const std::string_view data = payload.substr(static_cast<size_t>(entry.begin),
                                                 static_cast<size_t>(entry.end - entry.begin));
    view.tensors.push_back(
        {std::move(entry.name), std::move(entry.dtype_name), std::move(entry.shape), data});
  }
  return view;
}

namespace {

/// Returns the header's entries of `view`, in order, each behind the one before it.
Result<std::vector<Entry>> EntriesOf(const SafetensorsView& view) {
  std::vector<Entry> entries;
  std::unordered_set<std::string_view> names;
  uint64_t offset = 0;
  for (const StoredTensor& tensor : view.tensors) {
    if (tensor.name == kMetadataKey || tensor.name.size() > kMaxTensorNameBytes ||
        !names.insert(tensor.name).second) {
      return Status(Code::kInvalidArgument, "tensor name cannot be used: " + tensor.name);
    }
    if (ElementBytes(tensor.dtype) == 0) {
      return Status(Code::kInvalidArgument, "dtype cannot be stored, of tensor: " + tensor.name);
    }
    const uint64_t end = offset + tensor.data.size();
    entries.push_back({tensor.name, tensor.dtype, tensor.shape, offset, end});
    offset = end;
  }
  return entries;
}

std::string HeaderText(const std::vector<Entry>& entries,
                       const std::map<std::string, std::string>& metadata) {
  std::string text = "{" + json(kMetadataKey).dump() + ":" + json(metadata).dump();
  for (const Entry& entry : entries) {
    text += "," + json(entry.name).dump() + ":{\"dtype\":\"" + entry.dtype_name +
            "\",\"shape\":" + json(entry.shape).dump() + ",\"data_offsets\":[" +
            std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]}";
  }
  text += "}";
  constexpr size_t kAlignment = 8;
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

}  // namespace

Result<std::string> SafetensorsStart(const SafetensorsView& view) {
  DISTILL_ASSIGN_OR_RETURN(const std::vector<Entry> entries, EntriesOf(view));
  uint32_t payload = 0;
  for (const StoredTensor& tensor : view.tensors) payload = Crc32c(tensor.data, payload);
  std::map<std::string, std::string> metadata = view.metadata;
  metadata[kPayloadChecksum] = ChecksumText(payload);
  metadata[kHeaderChecksum] = ChecksumText(HeaderChecksum(entries, metadata));
  try {
    const std::string header = HeaderText(entries, metadata);
    if (header.size() > kMaxHeaderBytes) {
      return Status(Code::kInvalidArgument, "names and metadata are over 100 MB");
    }
    const uint64_t header_bytes = header.size();
    std::string start(sizeof(header_bytes), '\0');
    std::memcpy(start.data(), &header_bytes, sizeof(header_bytes));
    return start + header;
  } catch (const json::exception& error) {
    return Status(Code::kInvalidArgument,
                  std::string("a name or text is not UTF-8: ") + error.what());
  }
}

}  // namespace distill::core
