#include "core/model/feature_classifier.h"

#include <memory>
#include <string>

#include "core/model/onnx_tracer.h"

namespace distill::core {

FeatureClassifier::FeatureClassifier()
    : features_(AddChild("features", std::make_unique<Sequential>())),
      classifier_(AddChild("classifier", std::make_unique<Sequential>())) {}

ModelOutput FeatureClassifier::Forward(const at::Tensor& images, bool want_blocks) {
  ModelOutput output;
  at::Tensor x = images;
  size_t block = 0;
  for (size_t i = 0; i < features_.layers().size(); ++i) {
    x = features_.layers()[i]->Forward(x);
    if (want_blocks && block < block_features_.size() && i == block_features_.at(block)) {
      output.blocks.at(block++) = x;
    }
  }
  output.embedding = GlobalAveragePool(x);
  output.logits = classifier_.Forward(output.embedding);
  return output;
}

std::string FeatureClassifier::Trace(OnnxTracer& tracer, const std::string& images) const {
  return classifier_.Trace(tracer, tracer.PoolToVector(features_.Trace(tracer, images)));
}

std::pair<std::string, std::string> FeatureClassifier::classifier_names() const {
  return {"classifier.1.weight", "classifier.1.bias"};
}

Linear& FeatureClassifier::AppendClassifier(double dropout, int64_t in_features,
                                            int64_t num_classes) {
  classifier_.Append(std::make_unique<Dropout>(dropout));
  return classifier_.Append(std::make_unique<Linear>(in_features, num_classes));
}

}  // namespace distill::core
