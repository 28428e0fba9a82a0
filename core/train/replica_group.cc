#include "core/train/replica_group.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DeviceGuard.h>

#include <exception>
#include <string>
#include <utility>

#include "core/device/generator_state.h"
#include "core/device/random_stream.h"

namespace distill::core {
namespace {

constexpr char kReplicaPrefix[] = "replica";

// Seeds that differ in all bits for the copies of one run.
uint64_t SeedOfReplica(uint64_t seed, size_t index) {
  constexpr uint64_t kGoldenRatio = 0x9E3779B97F4A7C15U;
  return seed + kGoldenRatio * index;
}

}  // namespace

NamedTensors TrainedParameters(const Model& student, const Objective& objective) {
  NamedTensors parameters = student.Parameters();
  // No parameter of a student can have this in front of its name.
  for (NamedTensor& parameter : objective.TermParameters()) {
    parameter.name = "terms/" + parameter.name;
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

ObjectiveValue ComputeGradients(Model& student, const Objective& objective, const BatchShard& shard,
                                const StepPrecision& precision) {
  student.SetTraining(true);
  ObjectiveValue value;
  {
    const AutocastScope autocast(shard.batch.images.device(), precision.mode);
    value = objective.Compute(student, shard.batch, shard.share);
  }
  (precision.loss_scale == 1 ? value.total : value.total * precision.loss_scale).backward();
  value.total = value.total.detach();
  return value;
}

Result<std::unique_ptr<ReplicaGroup>> ReplicaGroup::Create(const ReplicaOptions& options,
                                                           const First& first) {
  std::unique_ptr<ReplicaGroup> group(new ReplicaGroup(first));
  for (const at::Device& device : options.devices) {
    if (device.type() != first.device.type()) {
      return Status(Code::kInvalidArgument,
                    "devices of one job must be of one kind: " + device.str());
    }
    // A run on more devices starts from the same weights as one on a single device.
    const at::Tensor generator = GeneratorState(at::kCPU);
    const Status added = group->Add(options, device);
    DISTILL_RETURN_IF_ERROR(SetGeneratorState(at::kCPU, generator));
    DISTILL_RETURN_IF_ERROR(added);
  }
  return group;
}

Status ReplicaGroup::Add(const ReplicaOptions& options, const at::Device& device) {
  auto replica = std::make_unique<Replica>(device);
  DISTILL_ASSIGN_OR_RETURN(replica->student, options.make_student());
  replica->student->To(device);
  replica->student->ToChannelsLast();
  DISTILL_ASSIGN_OR_RETURN(replica->objective, Objective::Create(options.train, options.split,
                                                                 *replica->student, device));
  DISTILL_ASSIGN_OR_RETURN(FlatParameters parameters, FlatParameters::Pack(TrainedParameters(
                                                          *replica->student, *replica->objective)));
  replica->parameters = std::make_unique<FlatParameters>(std::move(parameters));
  replica->generator =
      MakeStreamGenerator(device, SeedOfReplica(options.train.seed, others_.size() + 1));
  // OpenMP keeps it for each thread.
  const int num_threads = at::get_num_threads();
  replica->thread.Start([num_threads] { at::set_num_threads(num_threads); });
  replica->thread.Wait();
  others_.push_back(std::move(replica));
  return Status::Ok();
}

void ReplicaGroup::StartEpoch(int64_t epoch) {
  for (const std::unique_ptr<Replica>& other : others_) other->objective->StartEpoch(epoch);
}

void ReplicaGroup::Compute(Replica& replica, const BatchShard& shard,
                           const StepPrecision& precision) const {
  const c10::DeviceGuard guard(replica.device);
  const RandomStreamScope random(replica.device.is_cpu() ? replica.generator : at::Generator());
  {
    const at::NoGradGuard no_grad;
    const at::Tensor values = replica.parameters->values();
    values.copy_(first_.optimizer.parameters().values());
  }
  replica.value = ComputeGradients(*replica.student, *replica.objective,
                                   MovedTo(shard, replica.device), precision);
  replica.parameters->CollectGradients();
}

ObjectiveValue ReplicaGroup::Step(const MixedBatch& batch, const StepPrecision& precision) {
  MixedBatch whole = batch;
  whole.labels = first_.objective.WithBatchWeights(batch.labels);
  const std::vector<BatchShard> shards = SplitBatch(whole, others_.size() + 1);
  for (size_t i = 1; i < shards.size(); ++i) {
    Replica& replica = *others_[i - 1];
    const BatchShard& shard = shards[i];
    replica.thread.Start([&, this] { Compute(replica, shard, precision); });
  }
  ObjectiveValue value;
  std::exception_ptr error;
  try {
    value = ComputeGradients(first_.student, first_.objective, shards[0], precision);
    first_.optimizer.CollectGradients();
  } catch (...) {
    error = std::current_exception();
  }
  for (size_t i = 1; i < shards.size(); ++i) {
    const std::exception_ptr of_other = others_[i - 1]->thread.Wait();
    if (!error) error = of_other;
  }
  if (error) std::rethrow_exception(error);
  AverageGradients(shards);
  return Combine(shards, value);
}

void ReplicaGroup::AverageGradients(const std::vector<BatchShard>& shards) const {
  if (shards.size() == 1) return;
  const at::NoGradGuard no_grad;
  const at::Tensor sum = first_.optimizer.parameters().gradients();
  sum.mul_(shards[0].share);
  for (size_t i = 1; i < shards.size(); ++i) {
    sum.add_(others_[i - 1]->parameters->gradients().to(first_.device), shards[i].share);
  }
}

ObjectiveValue ReplicaGroup::Combine(const std::vector<BatchShard>& shards,
                                     const ObjectiveValue& first) const {
  ObjectiveValue value = first;
  if (shards.size() == 1) return value;
  value.total = first.total * shards[0].share;
  value.parts = first.parts * shards[0].share;
  std::vector<at::Tensor> logits = {first.logits};
  for (size_t i = 1; i < shards.size(); ++i) {
    const ObjectiveValue& other = others_[i - 1]->value;
    value.total += other.total.to(first_.device) * shards[i].share;
    value.parts += other.parts.to(first_.device) * shards[i].share;
    logits.push_back(other.logits.to(first_.device));
  }
  value.logits = at::cat(logits, 0);
  return value;
}

NamedTensors ReplicaGroup::GeneratorStates() const {
  NamedTensors states;
  for (size_t i = 0; i < others_.size(); ++i) {
    states.push_back({kReplicaPrefix + std::to_string(i + 1), GeneratorState(others_[i]->generator),
                      TensorKind::kBuffer});
  }
  return states;
}

Status ReplicaGroup::RestoreGenerator(const NamedTensor& state) {
  for (size_t i = 0; i < others_.size(); ++i) {
    if (state.name != kReplicaPrefix + std::to_string(i + 1)) continue;
    return SetGeneratorState(others_[i]->generator, state.tensor);
  }
  return {Code::kFailedPrecondition, "checkpoint is of a job on more devices: " + state.name};
}

}  // namespace distill::core
