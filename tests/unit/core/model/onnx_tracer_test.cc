// That the graphs compute what the networks do: tests/exchange/onnx_test.py.
#include "core/model/onnx_tracer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <set>

#include "core/base/architecture.h"
#include "core/model/model.h"
#include "distill/onnx/model.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

// A model of which nobody has written down what it computes.
class UntracedModel final : public Model {
 public:
  ModelOutput Forward(const at::Tensor&, bool) override { return {}; }
  std::pair<std::string, std::string> classifier_names() const override { return {"w", "b"}; }
};

TEST(OnnxTracerTest, EveryArchitectureNamesAllOfItsWeights) {
  for (const Architecture& architecture : Architectures()) {
    const std::string name(architecture.name);
    const auto model = CreateModel(name, 5);
    ASSERT_OK(model);

    const auto bytes = OnnxGraphOf(**model, name, 96);

    ASSERT_OK(bytes) << name;
    onnx::ModelProto graph;
    ASSERT_TRUE(graph.ParseFromString(*bytes));
    std::set<std::string> weights;
    for (const onnx::TensorProto& tensor : graph.graph().initializer()) {
      if (tensor.data_location() == onnx::TensorProto::EXTERNAL) weights.insert(tensor.name());
    }
    for (const NamedTensor& named : (*model)->State()) {
      if (named.tensor.dim() == 0) continue;  // counters of batches
      EXPECT_EQ(weights.erase(named.name), 1U) << name << ": " << named.name;
    }
    EXPECT_TRUE(weights.empty()) << name << ": " << *weights.begin();
    EXPECT_EQ(graph.graph().name(), name);
    EXPECT_LT(bytes->size(), size_t{1} << 20U) << "it holds weights";
  }
}

TEST(OnnxTracerTest, AModelThatIsNotWrittenDownIsRefusedByName) {
  const UntracedModel model;

  EXPECT_THAT(OnnxGraphOf(model, "odd_net", 32).status(),
              StatusIs(Code::kUnimplemented, HasSubstr("odd_net")));
}

}  // namespace
}  // namespace distill::core
