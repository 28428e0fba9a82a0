#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/eval/teacher.h"
#include "core/loss/ensemble.h"

namespace distill::core {

/// What the teachers of a run make of a batch.
struct Taught {
  struct One {
    size_t teacher = 0;  // its place in the ensemble
    double weight = 1;   // the weights of all add up to 1
    ModelOutput output;
  };
  std::vector<One> teachers;
};

/// One teacher or several, that see the same images. Owned by one thread.
class TeacherEnsemble {
 public:
  /// Loads all teachers; their weights are divided by their sum. kInvalidArgument: none, a weight
  /// that is not above 0, or, for kMeanProb and kMeanLogit, teachers that know different classes.
  /// Errors of Teacher::Load() besides, with the teacher's number where there are several.
  static Result<TeacherEnsemble> Load(const std::vector<TeacherOptions>& options, EnsembleMode mode,
                                      int64_t num_classes, const InputNormalization& student,
                                      const at::Device& device);

  /// Runs all teachers or, for kRandomOne, the one that `draw`, in [0, 1), falls on, as if it were
  /// the only one. `images` as for Teacher::Forward(). May throw c10::Error.
  Taught Forward(const at::Tensor& images, bool want_blocks, double draw) const;

  EnsembleMode mode() const { return mode_; }
  const std::vector<Teacher>& teachers() const { return teachers_; }
  const std::vector<double>& weights() const { return weights_; }

 private:
  explicit TeacherEnsemble(EnsembleMode mode) : mode_(mode) {}
  Status CheckClasses() const;

  EnsembleMode mode_;
  std::vector<Teacher> teachers_;
  std::vector<double> weights_;
};

}  // namespace distill::core
