#include <ATen/ATen.h>

#include <string>
#include <unordered_map>

#include "core/checkpoint/pickle.h"
#include "core/checkpoint/pytorch_file.h"
#include "core/checkpoint/tensor_copier.h"
#include "core/format/byte_reader.h"

namespace distill::core {
namespace {

/// The number 0x1950a86a20f9469cfc6c and the end of its pickle, which the legacy form starts with.
constexpr std::string_view kLegacyMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 13);

/// Returns where the second pickle starts, or 0 where the first is not the magic number.
size_t SkipLegacyMagic(std::string_view bytes) {
  constexpr uint8_t kProtocolOpcode = 0x80;
  constexpr uint8_t kFrameOpcode = 0x95;
  ByteReader reader(bytes);
  uint8_t opcode = 0;
  uint8_t protocol = 0;
  if (!reader.Take(opcode) || opcode != kProtocolOpcode || !reader.Take(protocol)) return 0;
  if (reader.remaining() > 0 && static_cast<uint8_t>(bytes[reader.position()]) == kFrameOpcode) {
    uint64_t frame_bytes = 0;
    if (!reader.Take(opcode) || !reader.Take(frame_bytes)) return 0;
  }
  std::string_view magic;
  return reader.Take(kLegacyMagic.size(), magic) && magic == kLegacyMagic ? reader.position() : 0;
}

/// Reads the pickles of the legacy form, one behind the other.
class LegacyReader {
 public:
  explicit LegacyReader(std::string_view bytes) : bytes_(bytes) {}

  /// The value lives as long as this reader.
  Result<PickleRef> Next() {
    size_t consumed = 0;
    const std::string_view rest = bytes_.substr(position_, kMaxPickleBytes);
    DISTILL_ASSIGN_OR_RETURN(const PickleRef value, ReadPickle(rest, arena_, consumed));
    position_ += consumed;
    return value;
  }

  const PickleArena& arena() const { return arena_; }
  std::string_view rest() const { return bytes_.substr(position_); }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
  PickleArena arena_;
};

bool IsLittleEndian(PickleRef system_info) {
  const auto* dict = system_info->As<PickleDict>();
  if (dict == nullptr) return true;
  for (const auto& [key, value] : dict->items) {
    const auto* name = key->As<std::string>();
    const auto* is_little = value->As<bool>();
    if (name != nullptr && is_little != nullptr && *name == "little_endian") return *is_little;
  }
  return true;
}

using StorageTable = std::unordered_map<std::string, std::string_view>;

/// Notes the element size of each storage that a tensor uses: the raw part of the file tells
/// element counts only.
Result<std::unordered_map<std::string, int64_t>> ElementSizes(PickleRef keys,
                                                              const PickleArena& arena) {
  std::unordered_map<std::string, int64_t> sizes;
  for (const PickleValue& value : arena) {
    const auto* storage = value.As<PickleStorage>();
    if (storage == nullptr) continue;
    const auto bytes = static_cast<int64_t>(c10::elementSize(storage->dtype));
    const auto [known, is_new] = sizes.emplace(storage->key, bytes);
    if (!is_new && known->second != bytes) {
      return Status(Code::kInvalidArgument, "storage " + storage->key + " has two types");
    }
  }
  if (keys->As<PickleSequence>() == nullptr) {
    return Status(Code::kInvalidArgument, "the file has no list of its storages");
  }
  return sizes;
}

/// Reads the raw part: for each key its element count, then its elements.
Result<StorageTable> ReadStorages(PickleRef keys, const PickleArena& arena, std::string_view raw) {
  DISTILL_ASSIGN_OR_RETURN(const auto element_sizes, ElementSizes(keys, arena));
  StorageTable table;
  ByteReader reader(raw);
  for (const PickleRef item : keys->As<PickleSequence>()->items) {
    const auto* key = item->As<std::string>();
    const auto size = key == nullptr ? element_sizes.end() : element_sizes.find(*key);
    if (size == element_sizes.end()) {
      return Status(Code::kInvalidArgument, "the file lists a storage that no tensor uses");
    }
    int64_t count = 0;
    int64_t num_bytes = 0;
    std::string_view content;
    if (!reader.Take(count) || count < 0 ||
        __builtin_mul_overflow(count, size->second, &num_bytes) ||
        !reader.Take(static_cast<uint64_t>(num_bytes), content)) {
      return Status(Code::kDataLoss, "file is cut short or damaged in storage " + *key);
    }
    table.emplace(*key, content);
  }
  return table;
}

}  // namespace

bool LooksLikeLegacyPyTorch(std::string_view bytes) { return SkipLegacyMagic(bytes) > 0; }

Result<TensorFile> ParsePyTorchLegacy(std::string_view bytes) {
  constexpr int64_t kProtocol = 1001;
  LegacyReader reader(bytes.substr(SkipLegacyMagic(bytes)));
  DISTILL_ASSIGN_OR_RETURN(const PickleRef protocol, reader.Next());
  DISTILL_ASSIGN_OR_RETURN(const PickleRef system_info, reader.Next());
  DISTILL_ASSIGN_OR_RETURN(const PickleRef root, reader.Next());
  DISTILL_ASSIGN_OR_RETURN(const PickleRef keys, reader.Next());
  const auto* number = protocol->As<int64_t>();
  if (number == nullptr || *number != kProtocol) {
    return Status(Code::kInvalidArgument, "the file is of an unknown version of torch.save's form");
  }
  if (!IsLittleEndian(system_info)) {
    return Status(
        Code::kInvalidArgument,
        "the file was written on a big-endian machine: save it anew on a little-endian one");
  }
  DISTILL_ASSIGN_OR_RETURN(const StorageTable table,
                           ReadStorages(keys, reader.arena(), reader.rest()));
  return CopyStateDict(root, bytes.size(), [&](const std::string& key) -> Result<std::string_view> {
    const auto found = table.find(key);
    if (found == table.end()) return Status(Code::kDataLoss, "the file lacks storage " + key);
    return found->second;
  });
}

}  // namespace distill::core
