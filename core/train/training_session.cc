#include "core/train/training_session.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/base/durable_file.h"
#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"
#include "core/device/device.h"
#include "core/device/generator_state.h"
#include "core/eval/evaluation_pass.h"
#include "core/eval/input_reading.h"
#include "core/model/onnx_tracer.h"
#include "core/train/batch_mix.h"
#include "core/train/preflight.h"

namespace distill::core {
namespace {

Result<std::unique_ptr<BatchSource>> OpenSplit(const Manifest& manifest, Split split,
                                               const BatchSourceOptions& options) {
  std::vector<ManifestEntry> entries = manifest.EntriesOf(split);
  if (entries.empty()) {
    return Status(Code::kFailedPrecondition,
                  "the data set has no images in split " + std::string(SplitName(split)) +
                      "; add it with another --" + std::string(SplitName(split)) + " share");
  }
  return CreateBatchSource(std::move(entries), options);
}

}  // namespace

Result<std::unique_ptr<TrainingSession>> TrainingSession::Create(const TrainOptions& options,
                                                                 RunListener& listener) {
  DISTILL_RETURN_IF_ERROR(ValidateSchedule(options.schedule));
  DISTILL_ASSIGN_OR_RETURN(const at::Device device, ParseDevice(options.device));
  std::unique_ptr<TrainingSession> session(new TrainingSession(options, listener, device));
  SeedGenerators(options.seed);
  DISTILL_ASSIGN_OR_RETURN(session->amp_, ChooseAmp(device, options.amp));
  const AmpPlan& amp = session->amp_;
  if (!amp.notice.empty()) {
    listener.OnNotice(amp.is_slow ? NoticeLevel::kWarning : NoticeLevel::kInformation, amp.notice);
  }
  DISTILL_RETURN_IF_ERROR(ReadInputs(options.inputs, [&] { return session->Load(); }));
  DISTILL_RETURN_IF_ERROR(session->Resume());
  if (session->position_.step == 0) {
    const PreflightPlan plan{options,
                             session->manifest_,
                             *session->student_,
                             *session->objective_,
                             *session->optimizer_,
                             session->normalizer_,
                             device,
                             session->amp_.mode};
    DISTILL_RETURN_IF_ERROR(RunPreflight(plan, listener));
  }
  return session;
}

Status TrainingSession::Load() {
  DISTILL_RETURN_IF_ERROR(OpenData());
  DISTILL_RETURN_IF_ERROR(BuildStudent());
  {
    const AutocastScope autocast(device_, amp_.mode);
    DISTILL_ASSIGN_OR_RETURN(
        objective_, Objective::Create(options_, TrainingSplitOf(manifest_), *student_, device_));
  }
  DISTILL_RETURN_IF_ERROR(BuildOptimization());
  return BuildReplicas();
}

Status TrainingSession::OpenData() {
  DISTILL_ASSIGN_OR_RETURN(manifest_, ReadManifest(options_.manifest));
  BatchSourceOptions train;
  train.image_size = options_.image_size;
  train.batch_size = options_.batch_size;
  train.num_threads = options_.data_threads;
  train.seed = options_.seed;
  train.is_training = true;
  // A last batch of one image has no batch statistics.
  const auto num_images = static_cast<int64_t>(manifest_.EntriesOf(Split::kTrain).size());
  train.drop_last = options_.batch_size > 0 && num_images % options_.batch_size == 1;
  train.augmentation = options_.augmentation;
  train.pinned = device_.is_cuda();
  train.roots = options_.dataset_roots;
  DISTILL_ASSIGN_OR_RETURN(train_source_, OpenSplit(manifest_, Split::kTrain, train));

  BatchSourceOptions val;
  val.image_size = options_.image_size;
  val.num_threads = options_.data_threads;
  val.ten_crop = options_.validate_with_tta;
  val.pinned = device_.is_cuda();
  val.roots = options_.dataset_roots;
  val.batch_size = options_.validate_with_tta ? std::max<int64_t>(1, options_.batch_size / 10)
                                              : options_.batch_size;
  DISTILL_ASSIGN_OR_RETURN(val_source_, OpenSplit(manifest_, Split::kVal, val));
  return Status::Ok();
}

Status TrainingSession::BuildStudent() {
  const auto num_classes = static_cast<int64_t>(manifest_.class_names.size());
  DISTILL_ASSIGN_OR_RETURN(student_, CreateModel(options_.model, num_classes));
  if (!options_.initial_weights.empty()) {
    DISTILL_ASSIGN_OR_RETURN(const TensorFile file,
                             ReadTensorFile(options_.initial_weights, options_.weights_roots));
    const Result<LoadReport> report = LoadMatching(*student_, file.tensors);
    if (!report.ok()) {
      return report.status().WithContext("initial weights " + options_.initial_weights.string());
    }
    listener_.OnNotice(NoticeLevel::kInformation, "initial weights: " + report->ToString());
  }
  student_->To(device_);
  student_->ToChannelsLast();
  return Status::Ok();
}

Status TrainingSession::BuildOptimization() {
  DISTILL_ASSIGN_OR_RETURN(
      optimizer_, Optimizer::Create(TrainedParameters(*student_, *objective_), options_.optimizer));
  if (options_.average) {
    const auto num_classes = static_cast<int64_t>(manifest_.class_names.size());
    average_.emplace(*student_, *options_.average);
    // Making a second network draws numbers that a run without EMA would not.
    const at::Tensor generator = GeneratorState(at::kCPU);
    DISTILL_ASSIGN_OR_RETURN(averaged_, CreateModel(options_.model, num_classes));
    DISTILL_RETURN_IF_ERROR(SetGeneratorState(at::kCPU, generator));
    averaged_->SetRequiresGrad(false);
    averaged_->To(device_);
    averaged_->ToChannelsLast();
  }
  sums_ = std::make_unique<EpochSums>(objective_->names(), device_);
  if (!objective_->share_names().empty()) {
    share_sums_ = std::make_unique<EpochSums>(objective_->share_names(), device_);
  }
  counts_ =
      std::make_unique<TrainingCounts>(static_cast<int64_t>(manifest_.class_names.size()), device_);
  return Status::Ok();
}

Status TrainingSession::BuildReplicas() {
  if (options_.other_devices.empty()) return Status::Ok();
  ReplicaOptions replicas{options_, TrainingSplitOf(manifest_), {}, {}};
  for (const std::string& name : options_.other_devices) {
    DISTILL_ASSIGN_OR_RETURN(const at::Device device, ParseDevice(name));
    replicas.devices.push_back(device);
  }
  replicas.make_student = [this] {
    return CreateModel(options_.model, static_cast<int64_t>(manifest_.class_names.size()));
  };
  const AutocastScope autocast(device_, amp_.mode);  // as the first's objective was made
  DISTILL_ASSIGN_OR_RETURN(
      replicas_, ReplicaGroup::Create(replicas, {device_, *student_, *objective_, *optimizer_}));
  std::string notice = "trains on " + std::to_string(replicas.devices.size() + 1) +
                       " devices, each with its share of every batch of " +
                       std::to_string(options_.batch_size) +
                       ": batch norms take the statistics of a share, and those of the first "
                       "device are kept";
  if (!objective_->relational_terms().empty()) {
    notice += "; terms that compare images see those of a share: " + objective_->relational_terms();
  }
  listener_.OnNotice(NoticeLevel::kInformation, notice);
  return Status::Ok();
}

Result<bool> TrainingSession::TrainStep() {
  if (!epoch_is_started_) {
    train_source_->StartEpoch(position_.epoch, position_.batch);
    objective_->StartEpoch(position_.epoch);
    if (replicas_) replicas_->StartEpoch(position_.epoch);
    epoch_is_started_ = true;
  }
  DISTILL_ASSIGN_OR_RETURN(const std::optional<Batch> batch, train_source_->Next());
  if (!batch) return false;
  MixedBatch mixed =
      MixBatch(normalizer_.Apply(batch->images), batch->labels.to(device_, /*non_blocking=*/true),
               options_.mix, {options_.seed, position_.epoch, position_.batch});
  mixed.indices = at::tensor(batch->indices, at::kLong);
  const ObjectiveValue value = ComputeStep(mixed);
  Update();
  const int64_t num_images = mixed.images.size(0);
  ++position_.step;
  ++position_.batch;
  sums_->Add(value.parts, num_images, position_.step);
  if (value.shares.defined()) share_sums_->Add(value.shares, 1, position_.step);
  counts_->Add(value.logits.to(at::kFloat), mixed.labels.dominant());
  return true;
}

// Leaves the gradients collected in the optimiser.
ObjectiveValue TrainingSession::ComputeStep(const MixedBatch& batch) {
  const bool is_scaled = amp_.mode == AmpMode::kFloat16;
  const StepPrecision precision{amp_.mode, is_scaled ? scaler_.scale() : 1.0};
  if (replicas_) return replicas_->Step(batch, precision);
  ObjectiveValue value = ComputeGradients(*student_, *objective_, {batch, 1.0}, precision);
  optimizer_->CollectGradients();
  return value;
}

void TrainingSession::Update() {
  if (amp_.mode == AmpMode::kFloat16) {
    const bool is_finite = optimizer_->AreGradientsFinite().item<bool>();
    optimizer_->ScaleGradients(1 / scaler_.scale());
    if (!scaler_.Update(is_finite)) return;
  }
  if (options_.gradient_clip_norm > 0) optimizer_->ClipGradients(options_.gradient_clip_norm);
  optimizer_->Step(learning_rate());
  if (average_) average_->Update();
}

Result<Metrics> TrainingSession::Validate() {
  if (average_) average_->CopyTo(*averaged_);
  PassOptions pass;
  pass.device = device_;
  pass.normalizer = &normalizer_;
  pass.amp = amp_.mode;
  pass.num_classes = static_cast<int64_t>(manifest_.class_names.size());
  pass.ten_crop = options_.validate_with_tta;
  pass.phase = "val";
  pass.epoch = static_cast<int>(position_.epoch);
  pass.loss = [this](const at::Tensor& logits, const at::Tensor& labels) {
    return objective_->ValidationLossSums(logits, labels);
  };
  DISTILL_ASSIGN_OR_RETURN(const PassResult result, RunPass(average_ ? *averaged_ : *student_,
                                                            *val_source_, pass, listener_));
  return Metrics{{"val/loss", result.metrics.loss},
                 {"val/accuracy", result.metrics.accuracy},
                 {"val/mpa", result.metrics.mean_class_accuracy},
                 {"val/top5_accuracy", result.metrics.top5_accuracy}};
}

Metrics TrainingSession::TrainMetrics() const {
  Metrics metrics = sums_->Means();
  if (share_sums_) metrics.merge(share_sums_->Means());
  const TrainingCounts::Shares counted = counts_->Read();
  metrics["train/accuracy"] = counted.accuracy;
  metrics["train/mpa"] = counted.mean_class_accuracy;
  metrics["train/learning_rate"] = learning_rate();
  return metrics;
}

int64_t TrainingSession::PeakGpuMemory() const {
  return device_.is_cuda() ? PeakMemoryBytes(device_) : 0;
}

void TrainingSession::WarnOfFaintTerms(const Metrics& metrics) {
  constexpr double kFaint = 0.01;
  if (!objective_->counts_in_full()) return;  // what is scaled down says nothing of its weight
  for (const std::string& name : objective_->share_names()) {
    const auto share = metrics.find(name);
    if (share == metrics.end() || share->second >= kFaint) continue;
    if (!faint_terms_.insert(name).second) continue;
    listener_.OnNotice(NoticeLevel::kWarning,
                       name + " is " + std::to_string(share->second) +
                           ", less than 0.01: the term hardly teaches; give it more weight "
                           "(--kd-weight) or leave it out");
  }
}

Status TrainingSession::CheckFinite() const {
  const std::optional<NonFiniteLoss> bad = sums_->FirstNonFinite();
  if (!bad) return Status::Ok();
  return {Code::kOutOfRange, "training diverged: " + bad->name + " is not finite at step " +
                                 std::to_string(bad->step) + " (epoch " +
                                 std::to_string(position_.epoch + 1) +
                                 "); try a lower learning rate, warm-up or gradient clipping"};
}

void TrainingSession::FinishEpoch() {
  ++position_.epoch;
  position_.batch = 0;
  epoch_is_started_ = false;
  sums_->Reset();
  if (share_sums_) share_sums_->Reset();
  counts_->Reset();
}

Status TrainingSession::WriteModel(const std::string& file_name, const Metrics& metrics) const {
  TensorFile file;
  if (average_) average_->CopyTo(*averaged_);
  file.tensors = (average_ ? *averaged_ : *student_).State();
  file.metadata = options_.lineage;
  file.metadata["format"] = "pt";
  file.metadata["model"] = options_.model;
  file.metadata["epoch"] = std::to_string(position_.epoch);
  file.metadata["image_size"] = std::to_string(options_.image_size);
  file.metadata["manifest_sha256"] = ManifestSha256(manifest_);
  for (const auto& [name, value] : metrics) file.metadata[name] = std::to_string(value);
  const Status written = WriteSafetensors(options_.run_directory / file_name, file);
  if (!written.ok()) return {Code::kAborted, written.WithContext("write model").message()};
  return Status::Ok();
}

Status TrainingSession::WriteOnnxGraph() const {
  const Result<std::string> graph = OnnxGraphOf(*student_, options_.model, options_.image_size);
  if (graph.status().code() == Code::kUnimplemented) return Status::Ok();
  DISTILL_RETURN_IF_ERROR(graph.status());
  const std::filesystem::path path = options_.run_directory / "graph.onnx";
  const Status written = ReplaceFile(path, *graph);
  if (!written.ok()) return {Code::kAborted, written.WithContext("write ONNX graph").message()};
  listener_.OnArtifact({path, "graph", 0});
  return Status::Ok();
}

}  // namespace distill::core
