#include "core/model/onnx_tracer.h"

#include <limits>
#include <utility>

#include "core/model/model.h"

namespace distill::core {

OnnxTracer::OnnxTracer(const Module& root, int64_t image_size) : image_size_(image_size) {
  for (NamedTensor& named : root.State()) {
    const void* identity = named.tensor.unsafeGetTensorImpl();
    names_.emplace(identity, std::move(named));
  }
}

std::string OnnxTracer::Weight(const at::Tensor& tensor) {
  if (!tensor.defined()) return "";
  const auto found = names_.find(tensor.unsafeGetTensorImpl());
  if (found == names_.end()) return Fail("a tensor that is no part of the network's state");
  return graph_.AddWeight(found->second.name, tensor.sizes().vec());
}

std::string OnnxTracer::Activate(const std::string& x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return Node("Relu", {x});
    case Activation::kRelu6:
      return Node("Clip", {x, graph_.AddConstant(0.0F), graph_.AddConstant(6.0F)});
    case Activation::kSilu:
      return Node("Mul", {x, Node("Sigmoid", {x})});
    case Activation::kSigmoid:
      return Node("Sigmoid", {x});
    case Activation::kHardSigmoid:
      return Node("HardSigmoid", {x}, {{"alpha", 1.0 / 6.0}, {"beta", 0.5}});
  }
  return Fail("an activation");
}

std::string OnnxTracer::PoolToVector(const std::string& x) {
  return Node("Flatten", {Node("GlobalAveragePool", {x})}, {{"axis", int64_t{1}}});
}

std::string OnnxTracer::Pool(const std::string& operation, const std::string& x,
                             const std::array<int64_t, 3>& kernel_stride_padding) {
  const auto [kernel, stride, padding] = kernel_stride_padding;
  std::vector<OnnxAttribute> attributes = {{"kernel_shape", std::vector<int64_t>(2, kernel)},
                                           {"strides", std::vector<int64_t>(2, stride)},
                                           {"pads", std::vector<int64_t>(4, padding)}};
  // As PyTorch's average pooling.
  if (operation == "AveragePool") attributes.push_back({"count_include_pad", int64_t{1}});
  return Node(operation, {x}, attributes);
}

std::string OnnxTracer::Concatenate(const std::string& first, const std::string& second) {
  return Node("Concat", {first, second}, {{"axis", int64_t{1}}});
}

std::string OnnxTracer::Channels(const std::string& x, int64_t begin, int64_t end) {
  const std::vector<int64_t> from(1, begin);
  const std::vector<int64_t> to(1, end);
  const std::vector<int64_t> axis(1, 1);
  return Node("Slice",
              {x, graph_.AddConstant(from), graph_.AddConstant(to), graph_.AddConstant(axis)});
}

std::string OnnxTracer::Reorder(const std::string& x, const std::vector<int64_t>& order) {
  return Node("Gather", {x, graph_.AddConstant(order)}, {{"axis", int64_t{1}}});
}

std::string OnnxTracer::Subsample(const std::string& x, int64_t stride) {
  const std::vector<int64_t> from(2, 0);
  const std::vector<int64_t> to(2, std::numeric_limits<int64_t>::max());  // the end
  const std::vector<int64_t> axes = {2, 3};
  const std::vector<int64_t> steps(2, stride);
  return Node("Slice", {x, graph_.AddConstant(from), graph_.AddConstant(to),
                        graph_.AddConstant(axes), graph_.AddConstant(steps)});
}

std::string OnnxTracer::PadChannels(const std::string& x, int64_t before, int64_t behind) {
  const std::vector<int64_t> pads = {0, before, 0, 0, 0, behind, 0, 0};
  return Node("Pad", {x, graph_.AddConstant(pads)});
}

std::string OnnxTracer::Fail(const std::string& what) {
  if (status_.ok()) status_ = Status(Code::kUnimplemented, "there is no ONNX form of " + what);
  return "";
}

std::string Model::Trace(OnnxTracer& tracer, const std::string& /*images*/) const {
  return tracer.Fail("this architecture");
}

Result<std::string> OnnxGraphOf(const Model& model, const std::string& architecture,
                                int64_t image_size) {
  OnnxTracer tracer(model, image_size);
  tracer.graph().AddInput("images", {3, image_size, image_size});
  const std::string logits = model.Trace(tracer, "images");
  if (!tracer.status().ok()) return tracer.status().WithContext(architecture);
  int64_t num_classes = 0;
  for (const NamedTensor& named : model.State()) {
    if (named.name == model.classifier_names().first) num_classes = named.tensor.size(0);
  }
  tracer.graph().AddOutput("logits", logits, {num_classes});
  return tracer.graph().Serialize(architecture);
}

}  // namespace distill::core
