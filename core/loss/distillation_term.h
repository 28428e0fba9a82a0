#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/model.h"
#include "core/model/module.h"

namespace distill::core {

enum class DistillationMethod { kSoftTarget, kMgd, kSp, kAt };

/// Which of two published forms of a loss is computed.
enum class LossForm {
  kPaper,      ///< the paper's equation
  kReference,  ///< as the reference system computes it
};

/// Returns the name in messages and records: "soft_target", "mgd", "sp" or "at".
std::string_view DistillationMethodName(DistillationMethod method);

/// The size of a block's output for one image. channels == 0: the network has no such block at the
/// image size in question.
struct BlockShape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
};

/// The sizes of what a network makes, less the batch.
struct OutputShape {
  int64_t num_classes = 0;
  std::array<BlockShape, 4> blocks;
};

/// Returns the sizes in `output`, e.g. of a dry run. Blocks that are undefined have no channels.
OutputShape OutputShapeOf(const ModelOutput& output);

struct DistillationTermOptions {
  DistillationMethod method = DistillationMethod::kSoftTarget;
  /// total = task loss + sum of weight * term. Unset: see EffectiveWeight().
  std::optional<double> weight;
  double temperature = 4.0;  // kSoftTarget
  /// Block numbers 1 to 4 (strides 4, 8, 16, 32). Empty: MGD 4; SP and AT 3 and 4.
  std::vector<int> blocks;
  /// Unset: SP the paper's form, AT the reference's. The other methods have one form.
  std::optional<LossForm> form;
  double mask_ratio = 0.15;  // kMgd: share of the channels that are masked
  double mgd_alpha = 7e-5;   // kMgd
  OutputShape student;
  OutputShape teacher;
};

/// One forward of each network over the same images.
struct DistillationInputs {
  ModelOutput student;
  ModelOutput teacher;
};

/// A loss between what a student and its teacher make of a batch, before its weight. Some terms
/// have trained parameters (Module::Parameters()), which belong into the student's optimiser and
/// checkpoints but not into the exported student. Owned by one thread.
class DistillationTerm : public Module {
 public:
  /// Returns the loss: a scalar, in float32 or, for float64 inputs, float64, whatever autocast
  /// says. Gradients reach the student's outputs and the term's own parameters, never the teacher.
  /// REQUIRES: blocks present on both sides where needs_blocks(). May throw c10::Error.
  at::Tensor Compute(const DistillationInputs& inputs);

  /// Returns DistillationMethodName() of the method.
  virtual std::string_view name() const = 0;

  /// Returns whether Compute() reads ModelOutput::blocks.
  virtual bool needs_blocks() const = 0;

 private:
  /// Computes the loss. Called with autocast off and a teacher that is detached.
  virtual at::Tensor ComputeDetached(const DistillationInputs& inputs) = 0;
};

/// Makes a term. Parameters are drawn from LibTorch's default CPU generator, on the CPU.
/// kInvalidArgument: a number out of range, a block that is none of 1 to 4, named twice or that a
/// network lacks, class counts that differ (SoftTarget), or maps that differ in size (MGD).
Result<std::unique_ptr<DistillationTerm>> CreateDistillationTerm(
    const DistillationTermOptions& options);

/// Returns the weight of a term: `weight` where given, else from the reference system's `kd_ratio`
/// r: w = r / (1 - r) for r < 1, w = r otherwise; for AT w = r always. (So 0.7 gives 2.33, 0.99
/// gives 99, but 1 gives 1.)
double EffectiveWeight(DistillationMethod method, std::optional<double> weight, double kd_ratio);

}  // namespace distill::core
