// The files that people really publish (DISTILL_TEST_DATA/weights). The expected sums were computed
// by PyTorch 2.13 in Python, in float64.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"
#include "core/data/batch_source.h"
#include "core/model/model.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

// Returns the first few pictures of each class folder, by name.
std::vector<ManifestEntry> FirstOfEachClass(const std::filesystem::path& root, size_t count) {
  std::vector<ManifestEntry> entries;
  for (const auto& folder : std::filesystem::directory_iterator(root)) {
    std::vector<std::filesystem::path> pictures;
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      pictures.push_back(file.path());
    }
    std::sort(pictures.begin(), pictures.end());
    pictures.resize(std::min(count, pictures.size()));
    for (const auto& picture : pictures) entries.push_back({picture, 0, Split::kTest, ""});
  }
  return entries;
}

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

TEST_F(RealWeightsTest, ResNet20OfOptionALoadsExactlyAndOfOptionBNot) {
  const TensorFile file = Read("cifar10-resnet20.th");
  auto option_a = CreateModel("resnet20-a", 10);
  ASSERT_OK(option_a);
  auto option_b = CreateModel("resnet20", 10);
  ASSERT_OK(option_b);

  EXPECT_OK(LoadExact(**option_a, file.tensors));
  EXPECT_THAT(LoadExact(**option_b, file.tensors),
              StatusIs(Code::kInvalidArgument,
                       ::testing::AllOf(HasSubstr("downsample"), HasSubstr("model resnet20-a"))));
}

// PyTorch in Python, with Pillow's pixels, calls 414 of these 500 photographs "bird" (the third of
// CIFAR-10's classes): of decoding and resizing a few may fall the other way.
TEST_F(RealWeightsTest, ResNet20OfCifar10TakesPhotographsOfBirdsForBirds) {
  auto model = CreateModel("resnet20-a", 10);
  ASSERT_OK(model);
  ASSERT_OK(LoadExact(**model, Read("cifar10-resnet20.th").tensors));
  (*model)->SetTraining(false);
  BatchSourceOptions options;
  options.image_size = 32;
  options.batch_size = 100;
  auto source = CreateBatchSource(FirstOfEachClass(folder_ / "../cub100/test", 5), options);
  ASSERT_OK(source);
  (*source)->StartEpoch(0);

  const at::NoGradGuard no_grad;
  const at::Tensor mean = at::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  const at::Tensor deviation = at::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
  int64_t num_birds = 0;
  for (int64_t i = 0; i < (*source)->num_batches(); ++i) {
    const at::Tensor pixels = (*source)->Next().value()->images.to(at::kFloat) / 255;
    const at::Tensor logits = (*model)->Forward((pixels - mean) / deviation, false).logits;
    num_birds += logits.argmax(1).eq(2).sum().item<int64_t>();
  }

  EXPECT_NEAR(static_cast<double>(num_birds), 414, 10);
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
