#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"

namespace distill::core {

/// A TorchScript program (torch.jit.save): a network with the code that computes it. Loading and
/// running it executes what its author wrote. Owned by one thread.
class TorchScript {
 public:
  /// Loads the program onto `device`, in evaluation mode. Blocks on disk.
  /// kInvalidArgument: LibTorch cannot read it, or it has no forward(); the message says what
  /// LibTorch says. kResourceExhausted: no memory. Errors of OpenInside() besides.
  static Result<std::unique_ptr<TorchScript>> Load(const std::filesystem::path& path,
                                                   const at::Device& device,
                                                   const Roots& roots = {});
  ~TorchScript();
  TorchScript(const TorchScript&) = delete;
  TorchScript& operator=(const TorchScript&) = delete;

  /// Calls forward(images) without gradients and without autocast, operation by operation as
  /// written: nothing is fused after the first calls, so that each call gives the same bits.
  /// `images`: [batch, 3, H, W], float32, on the device; passed on contiguous. Returns the tensor
  /// or the elements of the tuple that it returned; an undefined tensor stands for None.
  /// kInvalidArgument: the program failed, or returned something else. kResourceExhausted: no
  /// memory.
  Result<std::vector<at::Tensor>> Run(const at::Tensor& images);

  /// Returns its parameters and buffers.
  std::vector<at::Tensor> Tensors() const;

 private:
  struct Program;

  explicit TorchScript(std::unique_ptr<Program> program);

  std::unique_ptr<Program> program_;
};

}  // namespace distill::core
