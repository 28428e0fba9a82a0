#include <cmath>
#include <set>
#include <string>

#include "core/loss/attention_transfer.h"
#include "core/loss/contrastive_representation.h"
#include "core/loss/correlation_matching.h"
#include "core/loss/decoupled_distillation.h"
#include "core/loss/distillation_term.h"
#include "core/loss/feature_hint.h"
#include "core/loss/fitted_hint.h"
#include "core/loss/masked_generation.h"
#include "core/loss/probabilistic_transfer.h"
#include "core/loss/relational_distillation.h"
#include "core/loss/similarity_preserving.h"
#include "core/loss/soft_target.h"

namespace distill::core {
namespace {

Status Invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status MissingBlock(std::string_view who, const std::string& number) {
  std::string message = "at this image size (use a multiple of 32) the ";
  message.append(who).append(" has no block ").append(number);
  return Invalid(std::move(message));
}

std::string SizeText(const BlockShape& shape) {
  return std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

Status CheckBlocks(const DistillationTermOptions& options, const std::vector<int>& blocks) {
  std::set<int> seen;
  for (const int block : blocks) {
    const std::string number = std::to_string(block);
    if (block < 1 || block > 4) {
      return Invalid("block must be 1, 2, 3 or 4 (strides 4, 8, 16, 32), not " + number);
    }
    if (!seen.insert(block).second) return Invalid("block is named twice: " + number);
    const BlockShape& student = options.student.blocks.at(static_cast<size_t>(block - 1));
    const BlockShape& teacher = options.teacher.blocks.at(static_cast<size_t>(block - 1));
    if (student.channels == 0) return MissingBlock("student", number);
    if (teacher.channels == 0) return MissingBlock("teacher", number);
    const bool is_same_size = student.height == teacher.height && student.width == teacher.width;
    if (options.method == DistillationMethod::kMgd && !is_same_size) {
      return Invalid("MGD needs maps of equal size in student and teacher, but block " + number +
                     " has " + SizeText(student) + " and " + SizeText(teacher));
    }
  }
  return Status::Ok();
}

Status CheckShare(const char* name, double value) {
  if (std::isfinite(value) && value >= 0) return Status::Ok();
  return Invalid(std::string(name) + " must be a finite number of at least 0, not " +
                 std::to_string(value));
}

Status CheckNumbers(const DistillationTermOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckShare("weight", options.weight));
  DISTILL_RETURN_IF_ERROR(CheckShare("DKD's alpha", options.dkd_alpha));
  DISTILL_RETURN_IF_ERROR(CheckShare("DKD's beta", options.dkd_beta));
  DISTILL_RETURN_IF_ERROR(CheckShare("DIST's beta", options.dist_beta));
  DISTILL_RETURN_IF_ERROR(CheckShare("DIST's gamma", options.dist_gamma));
  DISTILL_RETURN_IF_ERROR(CheckShare("RKD's weight of distances", options.rkd_distance));
  DISTILL_RETURN_IF_ERROR(CheckShare("RKD's weight of angles", options.rkd_angle));
  if (options.method == DistillationMethod::kMgd) {
    if (!(options.mask_ratio >= 0 && options.mask_ratio < 1)) {
      return Invalid("mask ratio must be in [0, 1), not " + std::to_string(options.mask_ratio));
    }
    if (!(std::isfinite(options.mgd_alpha) && options.mgd_alpha > 0)) {
      return Invalid("alpha must be a finite number above 0, not " +
                     std::to_string(options.mgd_alpha));
    }
  }
  return Status::Ok();
}

double TemperatureOf(const DistillationTermOptions& options) {
  if (options.temperature) return *options.temperature;
  if (options.method == DistillationMethod::kDist) return 1;
  return options.standardize_logits ? 2 : 4;
}

Status CheckLogits(const DistillationTermOptions& options) {
  const double temperature = TemperatureOf(options);
  if (!(std::isfinite(temperature) && temperature > 0)) {
    return Invalid("temperature must be a finite number above 0, not " +
                   std::to_string(temperature));
  }
  if (options.student.num_classes != options.teacher.num_classes) {
    return Invalid("student and teacher must have the same classes, but have " +
                   std::to_string(options.student.num_classes) + " and " +
                   std::to_string(options.teacher.num_classes));
  }
  if (options.standardize_logits && options.student.num_classes < 2) {
    return Invalid(
        "standardised logits need two classes or more that the teacher knows (the one logit of one "
        "class has no deviation), not " +
        std::to_string(options.student.num_classes) +
        "; leave out --standardize-logits, or map more classes");
  }
  constexpr int64_t kFewestClasses = 3;
  if (options.method == DistillationMethod::kDkd && options.student.num_classes < kFewestClasses) {
    return Invalid("DKD needs at least 3 classes (of two, its second part is always 0), not " +
                   std::to_string(options.student.num_classes));
  }
  return Status::Ok();
}

using Term = std::unique_ptr<DistillationTerm>;

Result<Term> CreateHint(const DistillationTermOptions& options, const std::vector<int>& blocks) {
  if (options.form.value_or(LossForm::kPaper) == LossForm::kPaper) {
    return Term(std::make_unique<FeatureHint>(blocks, options.student, options.teacher));
  }
  for (const int block : blocks) {
    const BlockShape& student = options.student.blocks.at(static_cast<size_t>(block - 1));
    const BlockShape& teacher = options.teacher.blocks.at(static_cast<size_t>(block - 1));
    if (SizeFitter::Fits(student, teacher)) continue;
    return Invalid(
        "the reference form needs maps of the student that are as large as the teacher's, "
        "larger, or half as large, but block " +
        std::to_string(block) + " has " + SizeText(student) + " and " + SizeText(teacher) +
        "; take the form paper");
  }
  return Term(std::make_unique<FittedHint>(blocks, options.student, options.teacher));
}

// Of the logits.
Result<Term> CreateOfLogits(const DistillationTermOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckLogits(options));
  const double temperature = TemperatureOf(options);
  if (options.method == DistillationMethod::kDkd) {
    return Term(std::make_unique<DecoupledDistillation>(DecoupledDistillation::Options{
        temperature, options.dkd_alpha, options.dkd_beta, options.standardize_logits}));
  }
  if (options.method == DistillationMethod::kDist) {
    return Term(std::make_unique<CorrelationMatching>(
        CorrelationMatching::Options{temperature, options.dist_beta, options.dist_gamma,
                                     options.form.value_or(LossForm::kReference)}));
  }
  return Term(std::make_unique<SoftTarget>(temperature, options.standardize_logits));
}

Result<Term> CreateCrd(const DistillationTermOptions& options) {
  if (options.crd_negatives < 1) {
    return Invalid("CRD's number of negatives must be at least 1, not " +
                   std::to_string(options.crd_negatives));
  }
  if (!(std::isfinite(options.crd_temperature) && options.crd_temperature > 0)) {
    return Invalid("CRD's temperature must be a finite number above 0, not " +
                   std::to_string(options.crd_temperature));
  }
  if (!(options.crd_momentum >= 0 && options.crd_momentum < 1)) {
    return Invalid("CRD's momentum must be in [0, 1), not " + std::to_string(options.crd_momentum));
  }
  const std::set<int64_t> classes(options.image_classes.begin(), options.image_classes.end());
  if (classes.size() < 2) return Invalid("CRD needs training images of at least two classes");
  return Term(std::make_unique<ContrastiveRepresentation>(ContrastiveRepresentation::Options{
      options.student.embedding, options.teacher.embedding, options.image_classes,
      options.crd_negatives, options.crd_temperature, options.crd_momentum}));
}

// Of the feature maps.
Result<Term> CreateOfBlocks(const DistillationTermOptions& options) {
  const std::vector<int> blocks = BlocksOf(options);
  DISTILL_RETURN_IF_ERROR(CheckBlocks(options, blocks));
  switch (options.method) {
    case DistillationMethod::kSp:
      return Term(
          std::make_unique<SimilarityPreserving>(blocks, options.form.value_or(LossForm::kPaper)));
    case DistillationMethod::kAt:
      return Term(
          std::make_unique<AttentionTransfer>(blocks, options.form.value_or(LossForm::kReference)));
    case DistillationMethod::kMgd:
      return Term(std::make_unique<MaskedGeneration>(MaskedGeneration::Options{
          blocks, options.mask_ratio, options.mgd_alpha, options.student, options.teacher}));
    case DistillationMethod::kFitNet:
      return CreateHint(options, blocks);
    default:
      return Invalid("unknown distillation method");
  }
}

Result<Term> CreateChecked(const DistillationTermOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckNumbers(options));
  switch (options.method) {
    case DistillationMethod::kSoftTarget:
    case DistillationMethod::kDkd:
    case DistillationMethod::kDist:
      return CreateOfLogits(options);
    case DistillationMethod::kRkd:
      return Term(std::make_unique<RelationalDistillation>(
          RelationalDistillation::Options{options.rkd_distance, options.rkd_angle}));
    case DistillationMethod::kPkt:
      return Term(std::make_unique<ProbabilisticTransfer>());
    case DistillationMethod::kCrd:
      return CreateCrd(options);
    default:
      return CreateOfBlocks(options);
  }
}

}  // namespace

std::vector<int> BlocksOf(const DistillationTermOptions& options) {
  if (!options.blocks.empty()) return options.blocks;
  if (options.method == DistillationMethod::kMgd) return {4};
  if (options.method == DistillationMethod::kFitNet) return {3};
  return {3, 4};
}

Result<Term> CreateDistillationTerm(const DistillationTermOptions& options) {
  Result<Term> term = CreateChecked(options);
  if (term.ok()) return term;
  return term.status().WithContext(DistillationMethodName(options.method));
}

}  // namespace distill::core
