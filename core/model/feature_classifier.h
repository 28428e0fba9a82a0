#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <utility>

#include "core/model/layer.h"
#include "core/model/model.h"

namespace distill::core {

/// A network in torchvision's form: a list "features", global average pooling, and a list
/// "classifier" of dropout and linear layer.
class FeatureClassifier : public Model {
 public:
  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override;
  std::string Trace(OnnxTracer& tracer, const std::string& images) const override;
  std::pair<std::string, std::string> classifier_names() const override;

 protected:
  FeatureClassifier();

  /// Appends dropout and a linear layer from `in_features` to the classes, and returns the latter.
  Linear& AppendClassifier(double dropout, int64_t in_features, int64_t num_classes);

  Sequential& features() { return features_; }
  /// Places in features() of the last layer at strides 4, 8, 16 and 32, in order.
  void SetBlockFeatures(const std::array<size_t, 4>& places) { block_features_ = places; }

 private:
  Sequential& features_;
  Sequential& classifier_;
  std::array<size_t, 4> block_features_ = {};
};

}  // namespace distill::core
