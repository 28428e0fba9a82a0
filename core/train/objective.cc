#include "core/train/objective.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/random.h"
#include "core/train/evaluation_mode.h"
#include "core/train/gradient_shares.h"

namespace distill::core {
namespace {

constexpr uint64_t kTeacherStream = 0x7EAC;
constexpr uint64_t kTermStream = 0x7E24;

Random RandomAt(const BatchPlace& place, uint64_t stream) {
  return Random::For(place.seed, static_cast<uint64_t>(place.epoch),
                     static_cast<uint64_t>(place.step), stream);
}

OutputShape ShapeOf(Model& student, const at::Tensor& images) {
  const EvaluationMode evaluation(student);
  return OutputShapeOf(student.Forward(images, /*want_blocks=*/true));
}

// What a term's share of the gradient is taken at: the deepest of the outputs that it reads.
at::Tensor SeenBy(const TaughtTerm& term, const ModelOutput& student) {
  if (term.method().logit_temperature()) return student.logits;
  if (term.blocks().empty()) return student.embedding;
  const int deepest = *std::max_element(term.blocks().begin(), term.blocks().end());
  return student.blocks.at(static_cast<size_t>(deepest - 1));
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

std::string SizeText(const BlockShape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

at::Tensor Mean(const at::Tensor& first, const at::Tensor& second) { return (first + second) / 2; }

}  // namespace

TrainingSplit TrainingSplitOf(const Manifest& manifest) {
  TrainingSplit split;
  split.class_counts = manifest.ImagesPerClass(Split::kTrain);
  for (const ManifestEntry& entry : manifest.EntriesOf(Split::kTrain)) {
    split.image_classes.push_back(entry.class_index);
  }
  return split;
}

Result<std::unique_ptr<Objective>> Objective::Create(const TrainOptions& options,
                                                     const TrainingSplit& split, Model& student,
                                                     const at::Device& device) {
  std::unique_ptr<Objective> objective(new Objective);
  objective->loss_ = options.loss;
  objective->r_drop_ = options.r_drop;
  if (options.class_balance) {
    objective->class_weights_ = ClassBalanceWeights(split.class_counts).to(device);
  }
  objective->names_ = {"train/loss", "train/task_loss"};
  if (options.r_drop) objective->names_.emplace_back("train/r_drop");
  if (options.distillation) {
    Result<TeacherEnsemble> teachers = TeacherEnsemble::Load(
        options.distillation->teachers, options.distillation->ensemble,
        static_cast<int64_t>(split.class_counts.size()), options.normalization, device);
    if (!teachers.ok()) return teachers.status();
    objective->teachers_.emplace(std::move(*teachers));
    DISTILL_RETURN_IF_ERROR(objective->AddTerms(options, split, student, device));
  }
  return objective;
}

// Runs the networks once on black images, to see what they make of the image size: on one, and on a
// GPU on as many as a step has, since cuDNN plans for each size of a batch anew.
Status Objective::AddTerms(const TrainOptions& options, const TrainingSplit& split, Model& student,
                           const at::Device& device) {
  const at::NoGradGuard no_grad;
  constexpr int64_t kMostImages = 512;  // larger steps show later that they need too much memory
  const int64_t num_images =
      device.is_cuda() ? std::min(options.images_per_device(), kMostImages) : 1;
  const at::Tensor images =
      at::zeros({num_images, 3, options.image_size, options.image_size}, at::device(device))
          .contiguous(at::MemoryFormat::ChannelsLast);
  student_shape_ = ShapeOf(student, images);
  for (const Teacher& teacher : teachers_->teachers()) {
    teacher_shapes_.push_back(OutputShapeOf(teacher.Forward(images, true)));
  }
  task_weight_ = options.distillation->task_weight;
  warmup_epochs_ = options.distillation->warmup_epochs;
  for (DistillationTermOptions term : options.distillation->terms) {
    if (term.method == DistillationMethod::kCrd) term.image_classes = split.image_classes;
    DISTILL_RETURN_IF_ERROR(AddTerm(term));
    DISTILL_RETURN_IF_ERROR(CheckTerm(options, term.method));
    terms_.back().To(device);
  }
  NameTerms();
  return Status::Ok();
}

void Objective::StartEpoch(int64_t epoch) {
  if (warmup_epochs_ <= 0) return;
  term_scale_ = std::min(static_cast<double>(epoch + 1) / static_cast<double>(warmup_epochs_), 1.0);
}

// Of the term that was added last.
Status Objective::CheckTerm(const TrainOptions& options, DistillationMethod method) const {
  const DistillationTerm& term = terms_.back().method();
  if (term.needs_labels() && options.mix.kind != BatchMixKind::kNone) {
    return {
        Code::kInvalidArgument,
        std::string(term.name()) + " needs to know each image: train it without mixup and cutmix"};
  }
  if (method == DistillationMethod::kCrd && !options.other_devices.empty()) {
    return {Code::kInvalidArgument,
            "crd has one memory of all images: train it on a single device"};
  }
  return Status::Ok();
}

// A method may be there more than once, of other blocks or temperatures.
std::vector<std::string> Objective::TermNames() const {
  std::vector<std::string> names;
  std::map<std::string, int> seen;
  for (const TaughtTerm& term : terms_) {
    const std::string name(term.method().name());
    const int number = ++seen[name];
    names.push_back(number == 1 ? name : name + "-" + std::to_string(number));
  }
  return names;
}

void Objective::NameTerms() {
  std::vector<std::string> terms;
  for (const std::string& name : TermNames()) terms.push_back("train/kd/" + name);
  names_.emplace_back("train/kd_loss");
  for (const std::string& term : terms) names_.push_back(term + "/weighted");
  for (const std::string& term : terms) names_.push_back(term);
  for (const std::string& term : terms) share_names_.push_back(term + "/gradient_share");
}

Status Objective::AddTerm(const DistillationTermOptions& options) {
  DISTILL_ASSIGN_OR_RETURN(
      TaughtTerm term, TaughtTerm::Create(options, student_shape_, teacher_shapes_, *teachers_));
  wants_blocks_ = wants_blocks_ || term.method().needs_blocks();
  if (ComparesImages(options.method)) {
    relational_terms_ +=
        (relational_terms_.empty() ? "" : ", ") + std::string(term.method().name());
  }
  terms_.push_back(std::move(term));
  return Status::Ok();
}

Objective::Forward Objective::RunStudent(Model& student, const MixedBatch& batch,
                                         const Taught& taught) const {
  Forward forward;
  forward.output = student.Forward(batch.images, wants_blocks_);
  forward.task_loss = TaskLoss(forward.output.logits, batch.labels, class_weights_, loss_);
  Random random = RandomAt(batch.place, kTermStream);
  for (const TaughtTerm& term : terms_) {
    forward.terms.push_back(
        term.Compute({forward.output, {}, batch.labels.labels, batch.indices, random()}, taught));
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

ObjectiveValue Objective::Compute(Model& student, const MixedBatch& batch, double share) const {
  Taught taught;
  if (teachers_) {
    Random random = RandomAt(batch.place, kTeacherStream);
    taught = teachers_->Forward(batch.images, wants_blocks_, random.Uniform());
  }
  std::vector<Forward> forwards;
  forwards.push_back(RunStudent(student, batch, taught));
  const bool measures = !terms_.empty() && batch.place.step % kStepsBetweenShares == 0;
  const at::Tensor shares = measures ? MeasureShares(forwards.front()) : at::Tensor();
  if (r_drop_) forwards.push_back(RunStudent(student, batch, taught));
  ObjectiveValue value = Combine(forwards, share);
  value.shares = shares;
  return value;
}

at::Tensor Objective::MeasureShares(const Forward& forward) const {
  constexpr double kScaleOfHalf = 1024;
  std::vector<LossPart> parts = {{forward.task_loss * task_weight_, {}}};
  for (size_t i = 0; i < terms_.size(); ++i) {
    parts.push_back(
        {forward.terms[i] * (terms_[i].weight() * term_scale_), SeenBy(terms_[i], forward.output)});
  }
  const bool is_half = forward.output.logits.scalar_type() == at::kHalf;
  return MeasureGradientShares(parts, is_half ? kScaleOfHalf : 1);
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
  std::vector<at::Tensor> weighted_terms;
  at::Tensor taught_loss;
  for (size_t i = 0; i < terms_.size(); ++i) {
    const at::Tensor term = is_double ? Mean(first.terms[i], last.terms[i]) : first.terms[i];
    const at::Tensor weighted = term * (terms_[i].weight() * term_scale_);
    taught_loss = taught_loss.defined() ? taught_loss + weighted : weighted;
    raw_terms.push_back(term);
    weighted_terms.push_back(weighted);
  }
  if (taught_loss.defined()) {
    parts.push_back(taught_loss);
    total = total + taught_loss;
  }
  parts.insert(parts.end(), weighted_terms.begin(), weighted_terms.end());
  parts.insert(parts.end(), raw_terms.begin(), raw_terms.end());
  parts.insert(parts.begin(), total);
  for (at::Tensor& part : parts) part = part.detach().to(at::kFloat);
  return {total, at::stack(parts), first.output.logits.detach(), {}};
}

at::Tensor Objective::ValidationLossSums(const at::Tensor& logits, const at::Tensor& labels) const {
  return TaskLossSums(logits, labels, class_weights_, loss_);
}

std::vector<std::string> Objective::TermPlans() const {
  std::vector<std::string> plans;
  const std::vector<std::string> names = TermNames();
  for (size_t i = 0; i < terms_.size(); ++i) {
    const TaughtTerm& term = terms_[i];
    const std::string& name = names[i];
    int64_t num_trained = 0;
    for (const NamedTensor& tensor : term.State()) num_trained += tensor.tensor.numel();
    const std::string trained =
        num_trained == 0 ? ""
                         : ", " + std::to_string(num_trained) + " trained parameters of its own";
    if (term.blocks().empty()) {
      plans.push_back(name + (term.method().logit_temperature() ? ": logits" : ": embeddings") +
                      trained);
      continue;
    }
    for (const OutputShape& teacher : teacher_shapes_) {
      std::string plan = name + ":";
      for (const int block : term.blocks()) {
        const auto index = static_cast<size_t>(block - 1);
        plan.append(" block ").append(std::to_string(block));
        plan.append(", student ").append(SizeText(student_shape_.blocks.at(index)));
        plan.append(", teacher ").append(SizeText(teacher.blocks.at(index))).append(";");
      }
      plan.pop_back();
      plans.push_back(plan + trained);
    }
  }
  return plans;
}

NamedTensors Objective::TermState() const {
  NamedTensors state;
  for (size_t i = 0; i < terms_.size(); ++i) {
    for (NamedTensor& tensor : terms_[i].State()) {
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
