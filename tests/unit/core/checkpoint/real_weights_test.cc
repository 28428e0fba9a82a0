// The files that people really publish (DISTILL_TEST_DATA/weights). The expected sums were computed
// by PyTorch 2.13 in Python, in float64.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"
#include "core/model/model.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

class RealWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("DISTILL_TEST_DATA");
    folder_ = std::filesystem::path(root == nullptr ? "" : root) / "weights";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "no DISTILL_TEST_DATA";
  }

  TensorFile Read(const std::string& name) const {
    auto file = ReadTensorFile(folder_ / name);
    EXPECT_OK(file);
    return file.ok() ? std::move(file).value() : TensorFile{};
  }

  std::filesystem::path folder_;
};

struct Expectation {
  const char* file;
  size_t num_tensors;
  const char* first_name;
  double sum_of_magnitudes;
};

class RealWeightsSumTest : public RealWeightsTest,
                           public ::testing::WithParamInterface<Expectation> {};

TEST_P(RealWeightsSumTest, IsReadWhole) {
  const TensorFile file = Read(GetParam().file);
  double sum = 0;
  for (const NamedTensor& named : file.tensors) {
    sum += named.tensor.to(at::kDouble).abs().sum().item<double>();
  }
  EXPECT_EQ(file.tensors.size(), GetParam().num_tensors);
  EXPECT_EQ(file.tensors.empty() ? "" : file.tensors[0].name, GetParam().first_name);
  EXPECT_NEAR(sum, GetParam().sum_of_magnitudes, 1e-9 * GetParam().sum_of_magnitudes);
}

INSTANTIATE_TEST_SUITE_P(
    Files, RealWeightsSumTest,
    ::testing::Values(Expectation{"mnist.pt", 20, "conv1.weight", 15033.46473321879},
                      Expectation{"mobilenet_v2-inat-bird965.zip.pth", 314, "features.0.0.weight",
                                  293734.98737145646},
                      Expectation{"cifar10-resnet20.th", 97, "conv1.weight", 21349.562590950623},
                      Expectation{"mobilenet_v2-imagenet.legacy.pth", 314, "features.0.0.weight",
                                  334264.01955029607},
                      Expectation{"mnist.safetensors", 20, "norm1.num_batches_tracked",
                                  22304.762598208214},
                      Expectation{"mobilenet_v2-imagenet.safetensors", 314,
                                  "features.0.1.num_batches_tracked", 334264.019550296}),
    [](const auto& expectation) {
      std::string name = expectation.param.file;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

TEST_F(RealWeightsTest, LegacyAndSafetensorsFormsOfOneModelAreEqual) {
  const TensorFile legacy = Read("mobilenet_v2-imagenet.legacy.pth");
  const TensorFile safe = Read("mobilenet_v2-imagenet.safetensors");
  size_t num_equal = 0;
  for (const NamedTensor& left : legacy.tensors) {
    for (const NamedTensor& right : safe.tensors) {
      if (left.name == right.name && at::equal(left.tensor, right.tensor)) ++num_equal;
    }
  }
  EXPECT_EQ(num_equal, legacy.tensors.size());
  EXPECT_EQ(safe.tensors.size(), legacy.tensors.size());
}

TEST_F(RealWeightsTest, TheCheckpointOfAParallelRunOnAGpuIsUnwrapped) {
  const TensorFile file = Read("cifar10-resnet20.th");
  EXPECT_EQ(file.metadata.at("wrapped_in"), "state_dict");
  EXPECT_TRUE(file.tensors[0].tensor.is_cpu());
}

TEST_F(RealWeightsTest, ImagenetWeightsLoadIntoMobileNetV2Exactly) {
  auto model = CreateModel("mobilenetv2", 1000);
  ASSERT_OK(model);
  EXPECT_OK(LoadExact(**model, Read("mobilenet_v2-imagenet.safetensors").tensors));
}

TEST_F(RealWeightsTest, ABirdTeacherGivesInitialWeightsForOtherClasses) {
  const TensorFile birds = Read("mobilenet_v2-inat-bird965.zip.pth");
  auto model = CreateModel("mobilenetv2", 100);
  ASSERT_OK(model);

  const auto report = LoadMatching(**model, birds.tensors);

  ASSERT_OK(report);
  EXPECT_EQ(report->replaced_head_classes, 965);
  EXPECT_EQ(report->loaded.size(), birds.tensors.size() - 2);
  EXPECT_THAT(
      LoadExact(**model, birds.tensors),
      StatusIs(Code::kInvalidArgument, HasSubstr("trained for 965 classes, the data set has 100")));
}

TEST_F(RealWeightsTest, WeightsOfAnotherArchitectureAreRefused) {
  auto model = CreateModel("mobilenetv2", 10);
  ASSERT_OK(model);
  EXPECT_THAT(LoadMatching(**model, Read("mnist.safetensors").tensors),
              StatusIs(Code::kInvalidArgument, HasSubstr("another architecture")));
}

}  // namespace
}  // namespace distill::core
