// That onnx and onnxruntime take whole networks: tests/exchange/onnx_test.py.
#include "core/format/onnx_graph.h"

#include <gmock/gmock.h>

#include "distill/onnx/model.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string LinearGraph() {
  OnnxGraph graph;
  graph.AddInput("x", {2});
  const std::string weight = graph.AddWeight("fc.weight", {3, 2});
  graph.AddWeight("fc.weight", {3, 2});
  graph.AddOutput("y", graph.AddNode("Gemm", {"x", weight, ""}, {{"transB", int64_t{1}}}), {3});
  return graph.Serialize("linear");
}

SafetensorsView LinearWeights(const std::string& data) {
  SafetensorsView weights;
  weights.metadata = {{"job", "7"}};
  weights.tensors = {{"fc.weight", "F32", {3, 2}, data}};
  return weights;
}

TEST(OnnxGraphTest, AWholeModelHasItsWeightsAndTheirMetadata) {
  const std::string data(24, '\1');

  const auto bytes = CompleteOnnx(LinearGraph(), LinearWeights(data));

  ASSERT_OK(bytes);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*bytes));
  EXPECT_EQ(model.opset_import(0).version(), 17);
  EXPECT_EQ(model.metadata_props(0).key(), "job");
  ASSERT_EQ(model.graph().initializer_size(), 1);  // asked for twice, there once
  const onnx::TensorProto& weight = model.graph().initializer(0);
  EXPECT_EQ(weight.raw_data(), data);
  EXPECT_THAT(weight.dims(), ElementsAre(3, 2));
  EXPECT_FALSE(weight.has_data_location());
  EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "batch");
  EXPECT_THAT(model.graph().node(0).input(), ElementsAre("x", "fc.weight"));
}

TEST(OnnxGraphTest, WeightsOfAnotherNetworkAreRefusedByName) {
  const std::string data(24, '\1');
  SafetensorsView other = LinearWeights(data);
  other.tensors[0].shape = {2, 3};
  EXPECT_THAT(CompleteOnnx(LinearGraph(), other).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("fc.weight")));
  other.tensors[0] = {"fc.weight", "F64", {3, 1}, data};
  EXPECT_THAT(CompleteOnnx(LinearGraph(), other).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("fc.weight")));
  other.tensors.clear();
  EXPECT_THAT(CompleteOnnx(LinearGraph(), other).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("lack tensor fc.weight")));
}

TEST(OnnxGraphTest, ADamagedGraphIsTold) {
  EXPECT_THAT(CompleteOnnx("no graph", LinearWeights("")).status(), HasCode(Code::kDataLoss));
}

}  // namespace
}  // namespace distill::core
