#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/device/torch_script.h"
#include "core/model/model.h"

namespace distill::core {

struct TorchScriptOptions {
  std::filesystem::path path;
  int64_t image_size = 0;   // pixels, square, that it is tried with
  int64_t num_outputs = 0;  // classes that its logits must have
  Roots roots{};            // that the file may be read from
};

/// A TorchScript program as a network that is only looked at. It returns logits [batch, classes],
/// or a tuple: the logits; then at most four maps [batch, C, H, W], blocks 1 to 4 in this order,
/// where None or a tensor without elements leaves one out; then, if any, the embedding [batch,
/// numbers]. What comes at the end may be missing. Owned by one thread.
class TorchScriptModel : public Model {
 public:
  /// Loads the program onto `device` and tries it with two black images.
  /// kInvalidArgument: the file is no TorchScript archive, the program fails, or what it returns is
  /// not the above or not of `num_outputs` classes; the message says what it is and what it must
  /// be. Errors of CheckTorchScriptFile() and TorchScript::Load() besides. May throw c10::Error.
  static Result<std::unique_ptr<TorchScriptModel>> Load(const TorchScriptOptions& options,
                                                        const at::Device& device);

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override;

  /// Has none: two empty names.
  std::pair<std::string, std::string> classifier_names() const override { return {}; }

  /// Returns what it returned for the two images: "logits 2x10, block 4 2x64x8x8, embedding 2x64".
  const std::string& outputs() const { return outputs_; }

 private:
  explicit TorchScriptModel(std::unique_ptr<TorchScript> program);
  Result<ModelOutput> Run(const at::Tensor& images);

  std::unique_ptr<TorchScript> program_;
  std::string outputs_;
};

}  // namespace distill::core
