#include "client/model_export.h"

#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "core/format/onnx_graph.h"
#include "core/format/safetensors_view.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string SmallWeights() {
  const std::string data(8, '\1');
  core::SafetensorsView view;
  view.tensors = {{"fc.weight", "F32", {1, 2}, data}};
  return core::SafetensorsStart(view).value() + data;
}

std::string SmallGraph(const std::vector<int64_t>& shape) {
  core::OnnxGraph graph;
  graph.AddInput("images", {2});
  graph.AddOutput("logits",
                  graph.AddNode("MatMul", {"images", graph.AddWeight("fc.weight", shape)}), {1});
  return graph.Serialize("small");
}

TEST(ModelExportTest, TheExtensionSaysTheForm) {
  EXPECT_EQ(FormatOfExtension("a/student.safetensors"), ModelFormat::kSafetensors);
  EXPECT_EQ(FormatOfExtension("student.pth"), ModelFormat::kStateDict);
  EXPECT_EQ(FormatOfExtension("student.pt"), ModelFormat::kStateDict);
  EXPECT_EQ(FormatOfExtension("student.onnx"), ModelFormat::kOnnx);
  EXPECT_EQ(FormatOfExtension("student"), std::nullopt);
}

TEST(ModelExportTest, EachFormIsWritten) {
  const TempDir directory;
  const std::filesystem::path file = directory.path() / "student";
  ASSERT_OK(WriteModelAs(ModelFormat::kStateDict, SmallWeights(), "", file));
  EXPECT_THAT(ReadFile(file).value(), StartsWith("PK\3\4"));
  ASSERT_OK(WriteModelAs(ModelFormat::kOnnx, SmallWeights(), SmallGraph({1, 2}), file));
  EXPECT_THAT(ReadFile(file).value(), HasSubstr("fc.weight"));
  ASSERT_OK(WriteModelAs(ModelFormat::kSafetensors, SmallWeights(), "", file));
  EXPECT_EQ(ReadFile(file).value(), SmallWeights());
}

TEST(ModelExportTest, AFailureLeavesNoFile) {
  const TempDir directory;
  const std::filesystem::path file = directory.path() / "student";
  EXPECT_THAT(WriteModelAs(ModelFormat::kOnnx, SmallWeights(), SmallGraph({2, 1}), file),
              StatusIs(Code::kInvalidArgument, HasSubstr("fc.weight")));
  EXPECT_THAT(WriteModelAs(ModelFormat::kStateDict, "no weights", "", file),
              StatusIs(Code::kInvalidArgument, HasSubstr("safetensors")));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace distill::client
