// What a checkpoint of a training session holds, and how a session goes on from it.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <utility>

#include "core/device/generator_state.h"
#include "core/train/training_session.h"

namespace distill::core {
namespace {

const NamedTensors& GroupOf(const TrainingCheckpoint& checkpoint, const std::string& name) {
  static const NamedTensors kNone;
  const auto found = checkpoint.groups.find(name);
  return found == checkpoint.groups.end() ? kNone : found->second;
}

// Returns "" for one that is not there.
std::string TextOf(const TrainingCheckpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.texts.find(name);
  return found == checkpoint.texts.end() ? "" : found->second;
}

int64_t IntegerOf(const TrainingCheckpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.integers.find(name);
  return found == checkpoint.integers.end() ? 0 : found->second;
}

// Copies `from` into the tensors of `to`, which must be the same ones.
Status CopyGroup(const NamedTensors& from, const NamedTensors& to, const std::string& group) {
  const at::NoGradGuard no_grad;
  if (from.size() != to.size()) {
    return {Code::kFailedPrecondition, "checkpoint is of another job: group " + group + " has " +
                                           std::to_string(from.size()) + " tensors, not " +
                                           std::to_string(to.size())};
  }
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i].name != to[i].name || from[i].tensor.sizes() != to[i].tensor.sizes()) {
      return {Code::kFailedPrecondition,
              "checkpoint is of another job: tensor " + group + "/" + from[i].name};
    }
    at::Tensor target = to[i].tensor;
    target.copy_(from[i].tensor);
  }
  return Status::Ok();
}

std::string HashKey(const HashedFile& input) { return "input_sha256/" + input.role; }
std::string PathKey(const HashedFile& input) { return "input_path/" + input.role; }

// Returns why a run that began with the file of `then` cannot go on with `now`.
Status OtherInput(const HashedFile& then, const HashedFile& now) {
  return {Code::kFailedPrecondition,
          now.role +
              ": the run began with other content; put the old file back and requeue the "
              "job, or submit a new job: " +
              now.path.string() + " has SHA-256 " + now.sha256 + " now, then it was " +
              (then.path == now.path ? "" : "that of " + then.path.string() + ", ") + then.sha256};
}

}  // namespace

TrainingCheckpoint TrainingSession::Capture() const {
  TrainingCheckpoint checkpoint;
  checkpoint.groups["model"] = student_->State();
  checkpoint.groups["terms"] = objective_->TermState();
  const OptimizerState optimizer = optimizer_->State();
  checkpoint.groups["optimizer"] = optimizer.tensors;
  checkpoint.integers["optimizer_steps"] = optimizer.num_steps;
  if (average_) {
    const WeightAverageState average = average_->State();
    checkpoint.groups["average"] = average.tensors;
    checkpoint.integers["average_updates"] = average.num_updates;
  }
  checkpoint.groups["generators"] = {{"cpu", GeneratorState(at::kCPU)}};
  if (!device_.is_cpu()) {
    checkpoint.groups["generators"].push_back({"device", GeneratorState(device_)});
  }
  if (replicas_) {
    for (NamedTensor& state : replicas_->GeneratorStates()) {
      checkpoint.groups["generators"].push_back(std::move(state));
    }
  }
  checkpoint.groups["epoch_sums"] = sums_->State();
  checkpoint.groups["epoch_counts"] = counts_->State();
  checkpoint.integers["epoch_images"] = sums_->num_images();
  if (share_sums_) {
    checkpoint.groups["share_sums"] = share_sums_->State();
    checkpoint.integers["share_measures"] = share_sums_->num_images();
  }
  checkpoint.integers["epoch"] = position_.epoch;
  checkpoint.integers["batch"] = position_.batch;
  checkpoint.integers["step"] = position_.step;
  checkpoint.integers["best_epoch"] = position_.best_epoch;
  checkpoint.numbers["best_value"] = position_.best_value;
  for (const auto& [name, value] : position_.best_metrics) {
    checkpoint.numbers["best/" + name] = value;
  }
  checkpoint.numbers["scaler_scale"] = scaler_.state().scale;
  checkpoint.integers["scaler_good_steps"] = scaler_.state().num_good_steps;
  checkpoint.texts["model"] = options_.model;
  checkpoint.texts["manifest_sha256"] = ManifestSha256(manifest_);
  for (const HashedFile& input : options_.inputs) {
    checkpoint.texts[HashKey(input)] = input.sha256;
    checkpoint.texts[PathKey(input)] = input.path.string();
  }
  return checkpoint;
}

Status TrainingSession::Resume() {
  if (options_.resume_from.empty()) return Status::Ok();
  const Result<FoundCheckpoint> found = ReadFirstWhole(options_.resume_from);
  if (found.status().code() == Code::kNotFound) return Status::Ok();
  DISTILL_RETURN_IF_ERROR(found.status());
  for (const Status& passed_over : found->passed_over) {
    listener_.OnNotice(NoticeLevel::kWarning, "checkpoint passed over: " + passed_over.message());
  }
  return Restore(found->checkpoint).WithContext("resume from " + found->path.string());
}

// A run is one run only with the same files. The checkpoints of older versions name no weights.
Status TrainingSession::CheckOrigin(const TrainingCheckpoint& checkpoint) const {
  const HashedFile manifest{"data set", options_.manifest, ManifestSha256(manifest_), {}};
  HashedFile then = manifest;
  then.sha256 = TextOf(checkpoint, "manifest_sha256");
  if (then.sha256 != manifest.sha256) return OtherInput(then, manifest);
  for (const HashedFile& input : options_.inputs) {
    then = {input.role, TextOf(checkpoint, PathKey(input)), TextOf(checkpoint, HashKey(input)), {}};
    if (!then.sha256.empty() && then.sha256 != input.sha256) return OtherInput(then, input);
  }
  return Status::Ok();
}

Status TrainingSession::Restore(const TrainingCheckpoint& checkpoint) {
  DISTILL_RETURN_IF_ERROR(CheckOrigin(checkpoint));
  DISTILL_RETURN_IF_ERROR(CopyGroup(GroupOf(checkpoint, "model"), student_->State(), "model"));
  DISTILL_RETURN_IF_ERROR(
      CopyGroup(GroupOf(checkpoint, "terms"), objective_->TermState(), "terms"));
  DISTILL_RETURN_IF_ERROR(optimizer_->Restore(
      {GroupOf(checkpoint, "optimizer"), IntegerOf(checkpoint, "optimizer_steps")}));
  if (average_) {
    DISTILL_RETURN_IF_ERROR(average_->Restore(
        {GroupOf(checkpoint, "average"), IntegerOf(checkpoint, "average_updates")}));
  }
  DISTILL_RETURN_IF_ERROR(counts_->Restore(GroupOf(checkpoint, "epoch_counts")));
  sums_->Restore(GroupOf(checkpoint, "epoch_sums"), IntegerOf(checkpoint, "epoch_images"));
  if (share_sums_) {
    share_sums_->Restore(GroupOf(checkpoint, "share_sums"),
                         IntegerOf(checkpoint, "share_measures"));
  }
  position_.epoch = IntegerOf(checkpoint, "epoch");
  position_.batch = IntegerOf(checkpoint, "batch");
  position_.step = IntegerOf(checkpoint, "step");
  position_.best_epoch = IntegerOf(checkpoint, "best_epoch");
  GradientScalerState scaler;
  for (const auto& [name, value] : checkpoint.numbers) {
    if (name == "best_value") position_.best_value = value;
    if (name == "scaler_scale") scaler.scale = value;
    if (name.rfind("best/", 0) == 0) position_.best_metrics[name.substr(5)] = value;
  }
  scaler.num_good_steps = IntegerOf(checkpoint, "scaler_good_steps");
  DISTILL_RETURN_IF_ERROR(scaler_.Restore(scaler));
  for (const NamedTensor& generator : GroupOf(checkpoint, "generators")) {
    if (generator.name.rfind("replica", 0) == 0) {
      if (replicas_) DISTILL_RETURN_IF_ERROR(replicas_->RestoreGenerator(generator));
      continue;
    }
    const at::Device device = generator.name == "cpu" ? at::Device(at::kCPU) : device_;
    DISTILL_RETURN_IF_ERROR(SetGeneratorState(device, generator.tensor));
  }
  return Status::Ok();
}

}  // namespace distill::core
