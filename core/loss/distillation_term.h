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

enum class DistillationMethod {
  kSoftTarget,
  kMgd,
  kSp,
  kAt,
  kDkd,
  kDist,
  kFitNet,
  kRkd,
  kPkt,
  kCrd
};

/// Which of two published forms of a loss is computed.
enum class LossForm {
  kPaper,      ///< the paper's equation
  kReference,  ///< as the reference system computes it
};

/// Returns the name in messages and records: "soft_target", "mgd", "sp", "at", "dkd", "dist",
/// "fitnet", "rkd", "pkt" or "crd".
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
  int64_t embedding = 0;  // numbers of an embedding
  std::array<BlockShape, 4> blocks;
};

/// Returns the sizes in `output`, e.g. of a dry run. Blocks that are undefined have no channels.
OutputShape OutputShapeOf(const ModelOutput& output);

struct DistillationTermOptions {
  DistillationMethod method = DistillationMethod::kSoftTarget;
  double weight = 1;  // total = task loss + sum of weight * term
  /// kSoftTarget, kDkd, kDist. Unset: 4, of standardised logits 2, for kDist 1.
  std::optional<double> temperature;
  bool standardize_logits = false;  // kSoftTarget, kDkd
  /// Block numbers 1 to 4 (strides 4, 8, 16, 32). Empty: MGD 4; FitNet 3; SP and AT 3 and 4.
  std::vector<int> blocks;
  /// Unset: SP and FitNet the paper's form, AT and DIST the reference's. The other methods have one
  /// form. FitNet's reference is CRD's code.
  std::optional<LossForm> form;
  double mask_ratio = 0.15;       // kMgd: share of the channels that are masked
  double mgd_alpha = 7e-5;        // kMgd
  double dkd_alpha = 1;           // kDkd: weight of the target class's part
  double dkd_beta = 8;            // kDkd: weight of the other classes' part
  double dist_beta = 1;           // kDist: weight of the relation between classes
  double dist_gamma = 1;          // kDist: weight of the relation within a class
  double rkd_distance = 25;       // kRkd
  double rkd_angle = 50;          // kRkd
  int64_t crd_negatives = 16384;  // kCrd: other images that each is told from
  double crd_temperature = 0.07;  // kCrd
  double crd_momentum = 0.5;      // kCrd: of the memory's entries
  OutputShape student;
  OutputShape teacher;
  /// kCrd: the class of every training image, by its position in the training split.
  std::vector<int64_t> image_classes;
};

/// One forward of each network over the same images.
struct DistillationInputs {
  ModelOutput student;
  ModelOutput teacher;
  /// [batch], int64: the true classes. Read where needs_labels().
  at::Tensor labels;
  /// [batch], int64, on the CPU: positions of the images in the training split, and a number that
  /// differs from batch to batch, from which follows what a term draws itself. Read by kCrd.
  at::Tensor indices{};
  uint64_t draw = 0;
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

  /// Returns the temperature of a term that reads nothing of the networks but their logits.
  virtual std::optional<double> logit_temperature() const { return std::nullopt; }

  /// Returns whether Compute() reads DistillationInputs::labels or indices: then images must not be
  /// mixed.
  virtual bool needs_labels() const { return false; }

 private:
  /// Computes the loss. Called with autocast off and a teacher that is detached.
  virtual at::Tensor ComputeDetached(const DistillationInputs& inputs) = 0;
};

/// Returns the numbers of the blocks that a method of blocks reads: those of `options`, or its own.
std::vector<int> BlocksOf(const DistillationTermOptions& options);

/// Makes a term. Parameters are drawn from LibTorch's default CPU generator, on the CPU.
/// kInvalidArgument: a number out of range, a block that is none of 1 to 4, named twice or that a
/// network lacks, class counts that differ (SoftTarget, DKD, DIST), fewer than three classes (DKD),
/// or maps whose sizes do not fit (MGD, FitNet's reference form).
Result<std::unique_ptr<DistillationTerm>> CreateDistillationTerm(
    const DistillationTermOptions& options);

}  // namespace distill::core
