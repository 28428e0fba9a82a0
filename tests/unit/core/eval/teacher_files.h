#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/checkpoint/safetensors.h"
#include "core/eval/teacher.h"
#include "core/model/model.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core::testing {

constexpr int64_t kTeacherSide = 32;  // pixels
constexpr char kTeacherModel[] = "resnet8";

/// Teachers with drawn weights, in files.
class TeacherFiles {
 public:
  /// Returns the options of a kTeacherModel of `num_outputs` outputs whose weights are drawn from
  /// `seed`.
  TeacherOptions Make(int64_t num_outputs, uint64_t seed) {
    at::manual_seed(seed);
    const auto model = CreateModel(kTeacherModel, num_outputs);
    EXPECT_OK(model);
    TensorFile file;
    file.tensors = (*model)->State();
    TeacherOptions options;
    options.model = kTeacherModel;
    options.weights = dir_.path() / ("teacher" + std::to_string(seed) + ".safetensors");
    options.normalization = Normalization();
    EXPECT_OK(WriteSafetensors(options.weights, file));
    return options;
  }

  static InputNormalization Normalization() { return {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}}; }

  static at::Tensor Images(int64_t count) {
    at::manual_seed(3);
    return at::randn({count, 3, kTeacherSide, kTeacherSide});
  }

 private:
  distill::testing::TempDir dir_;
};

}  // namespace distill::core::testing
