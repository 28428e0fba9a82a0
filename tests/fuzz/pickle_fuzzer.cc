// Feeds bytes to the pickle interpreter, and copies the tensors of the state_dict it finds out of
// storages of 256 bytes. Without an archive around the pickle, no checksum stands in the way.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/checkpoint/pickle.h"
#include "core/checkpoint/tensor_copier.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill::core;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const std::string kStorage(256, '\x7f');
  PickleArena arena;
  size_t consumed = 0;
  const auto value = ReadPickle(bytes, arena, consumed);
  if (!value.ok()) return 0;
  (void)CopyStateDict(*value, size, [](const std::string&) -> distill::Result<std::string_view> {
    return std::string_view(kStorage);
  });
  return 0;
}
