// Feeds bytes to the safetensors reader.
#include <c10/util/Exception.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/checkpoint/safetensors.h"
#include "core/format/safetensors_view.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)distill::core::LooksLikeSafetensors(bytes);
  (void)distill::core::ParseSafetensors(bytes);
  return 0;
}
