#include <cmath>
#include <set>
#include <string>

#include "core/loss/attention_transfer.h"
#include "core/loss/distillation_term.h"
#include "core/loss/masked_generation.h"
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

std::vector<int> BlocksOf(const DistillationTermOptions& options) {
  if (!options.blocks.empty()) return options.blocks;
  if (options.method == DistillationMethod::kMgd) return {4};
  return {3, 4};
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

Status CheckNumbers(const DistillationTermOptions& options) {
  if (options.weight.has_value() && !(std::isfinite(*options.weight) && *options.weight >= 0)) {
    return Invalid("weight must be a finite number of at least 0, not " +
                   std::to_string(*options.weight));
  }
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

Status CheckSoftTarget(const DistillationTermOptions& options) {
  if (!(std::isfinite(options.temperature) && options.temperature > 0)) {
    return Invalid("temperature must be a finite number above 0, not " +
                   std::to_string(options.temperature));
  }
  if (options.student.num_classes != options.teacher.num_classes) {
    return Invalid("student and teacher must have the same classes, but have " +
                   std::to_string(options.student.num_classes) + " and " +
                   std::to_string(options.teacher.num_classes));
  }
  return Status::Ok();
}

using Term = std::unique_ptr<DistillationTerm>;

Result<Term> CreateChecked(const DistillationTermOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckNumbers(options));
  if (options.method == DistillationMethod::kSoftTarget) {
    DISTILL_RETURN_IF_ERROR(CheckSoftTarget(options));
    return Term(std::make_unique<SoftTarget>(options.temperature));
  }
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
    case DistillationMethod::kSoftTarget:
      break;
  }
  return Invalid("unknown distillation method");
}

}  // namespace

Result<Term> CreateDistillationTerm(const DistillationTermOptions& options) {
  Result<Term> term = CreateChecked(options);
  if (term.ok()) return term;
  return term.status().WithContext(DistillationMethodName(options.method));
}

}  // namespace distill::core
