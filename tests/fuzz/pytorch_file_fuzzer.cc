// Feeds bytes to the reader of weights files, which tells the zip and the legacy form of PyTorch
// and foreign files apart by content, and to the look that TorchScript files get before they are
// run.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/checkpoint/pytorch_file.h"
#include "core/checkpoint/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)distill::core::ParseTensorFile(bytes);
  (void)distill::core::CheckTorchScript(bytes);
  return 0;
}
