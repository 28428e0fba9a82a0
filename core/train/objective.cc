#include "core/train/objective.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

namespace distill::core {
namespace {

// Runs both networks once on a black image, to see what they make of the image size.
std::pair<OutputShape, OutputShape> DryRun(Model& student, const Teacher& teacher,
                                           int64_t image_size, const at::Device& device) {
  const at::NoGradGuard no_grad;
  const at::Tensor image = at::zeros({1, 3, image_size, image_size}, at::device(device));
  const bool was_training = student.is_training();
  student.SetTraining(false);
  const ModelOutput of_student = student.Forward(image, /*want_blocks=*/true);
  student.SetTraining(was_training);
  return {OutputShapeOf(of_student), OutputShapeOf(teacher.Forward(image, true))};
}

// Whether a term is of pairs or triples of images, not of each image.
bool ComparesImages(DistillationMethod method) {
  switch (method) {
    case DistillationMethod::kSp:
    case DistillationMethod::kDist:
    case DistillationMethod::kRkd:
    case DistillationMethod::kPkt:
      return true;
    default:
      return false;
  }
}

at::Tensor Mean(const at::Tensor& first, const at::Tensor& second) { return (first + second) / 2; }

}  // namespace

Result<std::unique_ptr<Objective>> Objective::Create(const TrainOptions& options,
                                                     const std::vector<int64_t>& class_counts,
                                                     Model& student, const at::Device& device) {
  std::unique_ptr<Objective> objective(new Objective);
  objective->loss_ = options.loss;
  objective->r_drop_ = options.r_drop;
  if (options.class_balance) {
    objective->class_weights_ = ClassBalanceWeights(class_counts).to(device);
  }
  objective->names_ = {"train/loss", "train/task_loss"};
  if (options.r_drop) objective->names_.emplace_back("train/r_drop");
  if (options.distillation) {
    DISTILL_ASSIGN_OR_RETURN(
        objective->teacher_,
        Teacher::Load(options.distillation->teacher, static_cast<int64_t>(class_counts.size()),
                      options.normalization, device));
    DISTILL_RETURN_IF_ERROR(objective->AddTerms(options, student, device));
  }
  return objective;
}

Status Objective::AddTerms(const TrainOptions& options, Model& student, const at::Device& device) {
  const auto [student_shape, teacher_shape] =
      DryRun(student, *teacher_, options.image_size, device);
  task_weight_ = options.distillation->task_weight;
  warmup_epochs_ = options.distillation->warmup_epochs;
  names_.emplace_back("train/kd_loss");
  for (DistillationTermOptions term_options : options.distillation->terms) {
    term_options.student = student_shape;
    term_options.teacher = teacher_shape;
    DISTILL_ASSIGN_OR_RETURN(std::unique_ptr<DistillationTerm> term,
                             CreateDistillationTerm(term_options));
    if (term->needs_labels() && options.mix.kind != BatchMixKind::kNone) {
      return {Code::kInvalidArgument, std::string(term->name()) +
                                          " needs the true label of each image: train it without "
                                          "mixup and cutmix"};
    }
    term->To(device);
    term->ToChannelsLast();
    wants_blocks_ = wants_blocks_ || term->needs_blocks();
    if (ComparesImages(term_options.method)) {
      relational_terms_ += (relational_terms_.empty() ? "" : ", ") + std::string(term->name());
    }
    names_.push_back("train/kd/" + std::string(term->name()));
    terms_.push_back({std::move(term), term_options.weight});
  }
  return Status::Ok();
}

void Objective::StartEpoch(int64_t epoch) {
  if (warmup_epochs_ <= 0) return;
  term_scale_ = std::min(static_cast<double>(epoch + 1) / static_cast<double>(warmup_epochs_), 1.0);
}

Objective::Forward Objective::RunStudent(Model& student, const at::Tensor& images,
                                         const BatchLabels& labels,
                                         const ModelOutput& taught) const {
  Forward forward;
  forward.output = student.Forward(images, wants_blocks_);
  forward.task_loss = TaskLoss(forward.output.logits, labels, class_weights_, loss_);
  for (const WeightedTerm& weighted : terms_) {
    forward.terms.push_back(weighted.term->Compute({forward.output, taught, labels.labels}));
  }
  return forward;
}

BatchLabels Objective::WithBatchWeights(const BatchLabels& labels) const {
  BatchLabels weighted = labels;
  if (!class_weights_.defined()) return weighted;
  weighted.mean_weight = class_weights_.index_select(0, labels.labels).mean();
  if (labels.is_mixed()) {
    weighted.mixed_mean_weight = class_weights_.index_select(0, labels.mixed_labels).mean();
  }
  return weighted;
}

ObjectiveValue Objective::Compute(Model& student, const at::Tensor& images,
                                  const BatchLabels& labels, double share) const {
  const ModelOutput taught = teacher_ ? teacher_->Forward(images, wants_blocks_) : ModelOutput();
  std::vector<Forward> forwards;
  forwards.push_back(RunStudent(student, images, labels, taught));
  if (r_drop_) forwards.push_back(RunStudent(student, images, labels, taught));
  return Combine(forwards, share);
}

ObjectiveValue Objective::Combine(const std::vector<Forward>& forwards, double share) const {
  const Forward& first = forwards.front();
  const Forward& last = forwards.back();
  const bool is_double = r_drop_.has_value();
  at::Tensor total = is_double ? Mean(first.task_loss, last.task_loss) : first.task_loss;
  std::vector<at::Tensor> parts = {total};
  if (task_weight_ != 1) total = total * task_weight_;
  if (is_double) {
    at::Tensor penalty = RDropPenalty(first.output.logits, last.output.logits, *r_drop_);
    // A sum over the batch is no mean of its parts.
    const bool is_part_of_sum = r_drop_->reduction == RDropReduction::kSum && share != 1.0;
    if (is_part_of_sum) penalty = penalty / share;
    parts.push_back(penalty);
    total = total + penalty;
  }
  std::vector<at::Tensor> raw_terms;
  at::Tensor taught_loss;
  for (size_t i = 0; i < terms_.size(); ++i) {
    const at::Tensor term = is_double ? Mean(first.terms[i], last.terms[i]) : first.terms[i];
    const at::Tensor weighted = term * (terms_[i].weight * term_scale_);
    taught_loss = taught_loss.defined() ? taught_loss + weighted : weighted;
    raw_terms.push_back(term);
  }
  if (taught_loss.defined()) {
    parts.push_back(taught_loss);
    total = total + taught_loss;
  }
  parts.insert(parts.end(), raw_terms.begin(), raw_terms.end());
  parts.insert(parts.begin(), total);
  for (at::Tensor& part : parts) part = part.detach().to(at::kFloat);
  return {total, at::stack(parts), first.output.logits.detach()};
}

at::Tensor Objective::ValidationLoss(const at::Tensor& logits, const at::Tensor& labels) const {
  return TaskLoss(logits, {labels, {}, 1.0}, class_weights_, loss_);
}

NamedTensors Objective::TermState() const {
  NamedTensors state;
  for (size_t i = 0; i < terms_.size(); ++i) {
    for (NamedTensor& tensor : terms_[i].term->State()) {
      tensor.name = std::to_string(i) + "." + tensor.name;
      state.push_back(std::move(tensor));
    }
  }
  return state;
}

NamedTensors Objective::TermParameters() const {
  NamedTensors parameters;
  for (NamedTensor& tensor : TermState()) {
    if (tensor.kind != TensorKind::kBuffer) parameters.push_back(std::move(tensor));
  }
  return parameters;
}

}  // namespace distill::core
