#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "core/base/status.h"
#include "core/model/model.h"
#include "core/train/train_options.h"

namespace distill::core {

/// A trained network that is only looked at: in evaluation mode, without gradients, its batch norms
/// folded. Sees the student's own pixels, in the normalisation that it was trained with.
/// Owned by one thread.
class Teacher {
 public:
  /// Loads the teacher onto `device`. `student` is how the images of Forward() are normalised.
  /// kInvalidArgument: the weights are not of that architecture or of `num_classes` classes; the
  /// message says what differs. Errors of ReadTensorFile() besides.
  static Result<Teacher> Load(const TeacherOptions& options, int64_t num_classes,
                              const InputNormalization& student, const at::Device& device);

  /// `images`: [batch, 3, H, W], normalised for the student. The result holds no graph.
  /// May throw c10::Error.
  ModelOutput Forward(const at::Tensor& images, bool want_blocks) const;

 private:
  Teacher(std::unique_ptr<Model> model, at::Tensor scale, at::Tensor shift)
      : model_(std::move(model)), scale_(std::move(scale)), shift_(std::move(shift)) {}

  std::unique_ptr<Model> model_;
  /// teacher_images = images * scale + shift; undefined where both normalisations are equal.
  at::Tensor scale_;  // [1, 3, 1, 1]
  at::Tensor shift_;  // [1, 3, 1, 1]
};

}  // namespace distill::core
