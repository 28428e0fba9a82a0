#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/device/amp.h"
#include "core/model/model.h"
#include "core/train/batch_mix.h"
#include "core/train/batch_shards.h"
#include "core/train/flat_parameters.h"
#include "core/train/objective.h"
#include "core/train/optimizer.h"
#include "core/train/task_thread.h"
#include "core/train/train_options.h"

namespace distill::core {

/// How the forward passes of a step are computed.
struct StepPrecision {
  AmpMode mode = AmpMode::kOff;
  double loss_scale = 1;
};

/// What copies of a student are made from.
struct ReplicaOptions {
  const TrainOptions& train;
  TrainingSplit split;
  std::vector<at::Device> devices;  // beside the first
  std::function<Result<std::unique_ptr<Model>>()> make_student;
};

/// Copies of a student that compute each step together, one a device: the batch is cut into shares,
/// each copy takes one, and the gradients are averaged by the numbers of images, so that they are
/// those of the whole batch. Batch norms use the statistics of the share. The first copy is the
/// session's own student, on the calling thread; each other one has a thread, a teacher, and random
/// numbers of its own. Sums are taken in the order of the copies: the same bits each time.
/// Owned by one thread. The session's parts must outlive it.
class ReplicaGroup {
 public:
  /// The session's own parts.
  struct First {
    at::Device device;
    Model& student;
    Objective& objective;
    Optimizer& optimizer;
  };

  /// Makes a copy on each device beside the first. Leaves the default generator as it was.
  /// kInvalidArgument: the devices are not of one kind. Errors of `make_student`,
  /// Objective::Create() and FlatParameters::Pack() besides.
  static Result<std::unique_ptr<ReplicaGroup>> Create(const ReplicaOptions& options,
                                                      const First& first);

  /// Objective::StartEpoch() of the copies beside the first.
  void StartEpoch(int64_t epoch);

  /// Computes the loss of a batch on the first device, and leaves its gradients, not yet divided by
  /// the loss scale, collected in the optimiser. `total` of the result has no graph.
  /// May throw what a copy threw: the first one's exception.
  ObjectiveValue Step(const MixedBatch& batch, const StepPrecision& precision);

  /// The random generators of the copies beside the first, for a checkpoint, and back.
  /// kDataLoss: not the state of such a generator.
  NamedTensors GeneratorStates() const;
  Status RestoreGenerator(const NamedTensor& state);

 private:
  struct Replica {
    explicit Replica(const at::Device& on) : device(on) {}
    at::Device device;
    std::unique_ptr<Model> student;
    std::unique_ptr<Objective> objective;
    std::unique_ptr<FlatParameters> parameters;
    at::Generator generator;
    ObjectiveValue value;  // of the step under way
    TaskThread thread;     // last: it ends before the others go
  };

  explicit ReplicaGroup(const First& first) : first_(first) {}
  Status Add(const ReplicaOptions& options, const at::Device& device);
  void Compute(Replica& replica, const BatchShard& shard, const StepPrecision& precision) const;
  void AverageGradients(const std::vector<BatchShard>& shards) const;
  ObjectiveValue Combine(const std::vector<BatchShard>& shards, const ObjectiveValue& first) const;

  const First first_;
  std::vector<std::unique_ptr<Replica>> others_;
};

/// Computes loss and gradients of one part of a batch; the gradients stay on the parameters.
/// May throw c10::Error.
ObjectiveValue ComputeGradients(Model& student, const Objective& objective, const BatchShard& shard,
                                const StepPrecision& precision);

/// Returns the parameters that the optimiser trains: the student's, and the terms' own.
NamedTensors TrainedParameters(const Model& student, const Objective& objective);

}  // namespace distill::core
