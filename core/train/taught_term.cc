#include "core/train/taught_term.h"

#include <ATen/ATen.h>

#include <utility>

namespace distill::core {

bool TaughtTerm::is_joint() const {
  const EnsembleMode mode = ensemble_->mode();
  return (mode == EnsembleMode::kMeanProb || mode == EnsembleMode::kMeanLogit) &&
         method().logit_temperature().has_value();
}

Status TaughtTerm::Check(const DistillationTermOptions& options) const {
  if (method().needs_labels() && method().logit_temperature()) {
    for (const Teacher& teacher : ensemble_->teachers()) {
      if (!teacher.classes().defined()) continue;
      return {Code::kInvalidArgument,
              std::string(method().name()) +
                  " needs a teacher that knows all classes: its class map leaves some out"};
    }
  }
  if (is_joint() && ensemble_->mode() == EnsembleMode::kMeanProb && options.standardize_logits) {
    return {Code::kInvalidArgument,
            std::string(method().name()) +
                ": mean probabilities have no logits to standardise; use the ensemble mean_kl"};
  }
  return Status::Ok();
}

namespace {

bool ReadsEmbedding(DistillationMethod method) {
  return method == DistillationMethod::kRkd || method == DistillationMethod::kPkt ||
         method == DistillationMethod::kCrd;
}

bool ReadsBlocks(DistillationMethod method) {
  return method == DistillationMethod::kMgd || method == DistillationMethod::kSp ||
         method == DistillationMethod::kAt || method == DistillationMethod::kFitNet;
}

Status MissingOutput(DistillationMethod method, const std::string& output,
                     const std::string& returned) {
  return {
      Code::kInvalidArgument,
      std::string(DistillationMethodName(method)) + " reads the teacher's " + output +
          ", and its TorchScript program returns none (it returns " + returned +
          "): let it return a tuple (logits, block 1, block 2, block 3, block 4, embedding), with "
          "None for a block that no method reads"};
}

// A TorchScript teacher may lack what a method reads; others have it all.
Status CheckScriptHas(const DistillationTermOptions& options, const std::string& returned) {
  if (returned.empty()) return Status::Ok();
  if (ReadsEmbedding(options.method) && options.teacher.embedding == 0) {
    return MissingOutput(options.method, "embedding", returned);
  }
  if (!ReadsBlocks(options.method)) return Status::Ok();
  for (const int block : BlocksOf(options)) {
    const bool is_number = block >= 1 && block <= static_cast<int>(options.teacher.blocks.size());
    if (!is_number || options.teacher.blocks.at(static_cast<size_t>(block - 1)).channels > 0) {
      continue;  // CreateDistillationTerm() refuses a wrong number
    }
    return MissingOutput(options.method, "block " + std::to_string(block), returned);
  }
  return Status::Ok();
}

}  // namespace

Result<TaughtTerm> TaughtTerm::Create(const DistillationTermOptions& options,
                                      const OutputShape& student,
                                      const std::vector<OutputShape>& teachers,
                                      const TeacherEnsemble& ensemble) {
  TaughtTerm term(ensemble);
  term.weight_ = options.weight;
  for (size_t i = 0; i < teachers.size(); ++i) {
    DistillationTermOptions own = options;
    own.student = student;
    own.teacher = teachers[i];
    const at::Tensor& known = ensemble.teachers()[i].classes();
    if (known.defined()) own.student.num_classes = known.size(0);
    DISTILL_RETURN_IF_ERROR(CheckScriptHas(own, ensemble.teachers()[i].script_outputs()));
    DISTILL_ASSIGN_OR_RETURN(std::unique_ptr<DistillationTerm> made, CreateDistillationTerm(own));
    term.terms_.push_back(std::move(made));
    if (term.is_joint()) break;
  }
  if (term.method().needs_blocks()) term.blocks_ = BlocksOf(options);
  DISTILL_RETURN_IF_ERROR(term.Check(options));
  return term;
}

at::Tensor TaughtTerm::Compute(const DistillationInputs& batch, const Taught& taught) const {
  const auto inputs_for = [&](const Taught::One& one, const ModelOutput& teacher) {
    DistillationInputs inputs = batch;
    inputs.teacher = teacher;
    inputs.student.logits = ensemble_->teachers()[one.teacher].OfKnownClasses(batch.student.logits);
    return inputs;
  };
  if (is_joint()) {
    std::vector<at::Tensor> logits;
    for (const Taught::One& one : taught.teachers) logits.push_back(one.output.logits);
    ModelOutput joint;
    joint.logits = EnsembleLogits(logits, ensemble_->weights(), ensemble_->mode(),
                                  *method().logit_temperature());
    return terms_.front()->Compute(inputs_for(taught.teachers.front(), joint));
  }
  at::Tensor mean;
  for (const Taught::One& one : taught.teachers) {
    at::Tensor value = terms_[one.teacher]->Compute(inputs_for(one, one.output));
    if (taught.teachers.size() > 1) value = value * one.weight;
    mean = mean.defined() ? mean + value : value;
  }
  return mean;
}

void TaughtTerm::To(const at::Device& device) {
  for (const auto& term : terms_) {
    term->To(device);
    term->ToChannelsLast();
  }
}

NamedTensors TaughtTerm::State() const {
  NamedTensors state;
  for (size_t i = 0; i < terms_.size(); ++i) {
    for (NamedTensor& tensor : terms_[i]->State()) {
      if (i > 0) tensor.name = "teacher" + std::to_string(i) + "." + tensor.name;
      state.push_back(std::move(tensor));
    }
  }
  return state;
}

}  // namespace distill::core
