#pragma once

#include "core/model/model.h"

namespace distill::core {

/// Switches a network to evaluation for as long as it lives, and back to what it was.
class EvaluationMode {
 public:
  /// `model` must outlive the object.
  explicit EvaluationMode(Model& model) : model_(model), was_training_(model.is_training()) {
    model_.SetTraining(false);
  }
  ~EvaluationMode() { model_.SetTraining(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  Model& model_;
  const bool was_training_;
};

}  // namespace distill::core
