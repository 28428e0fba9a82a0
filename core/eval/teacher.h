#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/eval/even_batches.h"
#include "core/eval/input_normalization.h"
#include "core/model/model.h"

namespace distill::core {

struct TeacherOptions {
  std::string model;                 // architecture, or kTorchScript
  std::filesystem::path weights;     // of that architecture, or the program
  InputNormalization normalization;  // that it was trained with
  /// For each class of the data set the teacher's output, or -1 where it has none. Empty: its
  /// outputs are the data set's classes.
  std::vector<int64_t> class_outputs;
  int64_t num_outputs = 0;  // of the teacher; where class_outputs is not empty
  double weight = 1;        // in an ensemble
  /// Pixels, square, that it sees. 0: images as they come; kTorchScript needs to know.
  int64_t image_size = 0;
  Roots roots{};  // that the weights may be read from
};

/// A trained network that is only looked at: in evaluation mode, without gradients, its batch norms
/// folded. Sees the student's own pixels, in the normalisation that it was trained with, and
/// resized (bilinear, antialiased) to its image size. Owned by one thread.
class Teacher {
 public:
  /// Loads the teacher onto `device`. `student` is how the images of Forward() are normalised.
  /// kInvalidArgument: the weights are not of that architecture, or not of `num_classes` classes
  /// (num_outputs, with a class map); the message says what differs. A class map that names an
  /// output twice, or no output at all. Errors of ReadTensorFile() and TorchScriptModel::Load()
  /// besides.
  static Result<Teacher> Load(const TeacherOptions& options, int64_t num_classes,
                              const InputNormalization& student, const at::Device& device);

  /// `images`: [batch, 3, H, W], normalised for the student. The result holds no graph; its logits
  /// are of classes(), in that order. May throw c10::Error.
  ModelOutput Forward(const at::Tensor& images, bool want_blocks) const;

  /// Returns the classes of the data set that the teacher knows: [known], int64, on the device, in
  /// rising order. Undefined: all of them.
  const at::Tensor& classes() const { return classes_; }

  /// Returns what a TorchScript program gives (TorchScriptModel::outputs()); "" for another
  /// teacher, which gives all that a term may read.
  const std::string& script_outputs() const { return script_outputs_; }

  /// Returns its weights.
  NamedTensors State() const { return model_->State(); }

  /// Returns what of `logits` [batch, classes of the data set] is of classes().
  at::Tensor OfKnownClasses(const at::Tensor& logits) const;

 private:
  Teacher() = default;
  Status LoadModel(const TeacherOptions& options, int64_t num_outputs, const at::Device& device);
  Status SetClassMap(const std::vector<int64_t>& class_outputs, const at::Device& device);
  ModelOutput OutputOf(const at::Tensor& images, bool want_blocks) const;

  std::unique_ptr<Model> model_;
  std::string script_outputs_;
  int64_t image_size_ = 0;  // 0: as they come
  /// teacher_images = images * scale + shift; undefined where both normalisations are equal.
  at::Tensor scale_;    // [1, 3, 1, 1]
  at::Tensor shift_;    // [1, 3, 1, 1]
  at::Tensor classes_;  // see classes()
  at::Tensor outputs_;  // of each of classes(); undefined: no class map
  mutable EvenBatches even_batches_;
};

}  // namespace distill::core
