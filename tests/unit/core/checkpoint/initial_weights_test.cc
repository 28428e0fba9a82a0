#include "core/checkpoint/initial_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <utility>

#include "core/checkpoint/state_dict.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::IsOk;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Two layers and a norm's buffers, under names like torchvision's.
class TinyModel : public Model {
 public:
  explicit TinyModel(int64_t num_classes) {
    AddTensorAs("conv.weight", at::zeros({4, 3, 1, 1}), TensorKind::kWeight);
    AddTensorAs("bn.weight", at::zeros({4}), TensorKind::kNormWeight);
    AddTensorAs("bn.running_mean", at::zeros({4}), TensorKind::kBuffer);
    AddTensorAs("bn.num_batches_tracked", at::zeros({}, at::kLong), TensorKind::kBuffer);
    AddTensorAs("fc.weight", at::zeros({num_classes, 4}), TensorKind::kWeight);
    AddTensorAs("fc.bias", at::zeros({num_classes}), TensorKind::kBias);
  }
  ModelOutput Forward(const at::Tensor&, bool) override { return {}; }
  void FuseForInference() override {}
  std::pair<std::string, std::string> classifier_names() const override {
    return {"fc.weight", "fc.bias"};
  }

  at::Tensor Get(const std::string& name) const {
    for (const NamedTensor& named : State()) {
      if (named.name == name) return named.tensor;
    }
    return {};
  }

 private:
  class Layer : public Module {
   public:
    void Add(std::string name, at::Tensor tensor, TensorKind kind) {
      AddTensor(std::move(name), std::move(tensor), kind);
    }
  };

  void AddTensorAs(const std::string& name, at::Tensor tensor, TensorKind kind) {
    const size_t dot = name.find('.');
    const std::string layer = name.substr(0, dot);
    if (children().empty() || children().back().first != layer) {
      last_ = &AddChild(layer, std::make_unique<Layer>());
    }
    last_->Add(name.substr(dot + 1), std::move(tensor), kind);
  }

  Layer* last_ = nullptr;
};

NamedTensors FileFor(int64_t num_classes, const std::string& prefix = "") {
  NamedTensors tensors;
  for (const NamedTensor& named : TinyModel(num_classes).State()) {
    tensors.push_back({prefix + named.name, at::full_like(named.tensor, 2).detach(), {}});
  }
  return tensors;
}

void Remove(NamedTensors& tensors, const std::string& name) {
  for (auto it = tensors.begin(); it != tensors.end(); ++it) {
    if (it->name == name) {
      tensors.erase(it);
      return;
    }
  }
}

bool IsAll(const at::Tensor& tensor, double value) {
  return at::equal(tensor, at::full_like(tensor, value));
}

TEST(InitialWeightsTest, AFileOfTheSameShapesIsLoadedWhole) {
  TinyModel model(5);
  const auto report = LoadMatching(model, FileFor(5));
  ASSERT_OK(report);
  EXPECT_EQ(report->loaded.size(), 6U);
  EXPECT_TRUE(report->skipped.empty());
  EXPECT_TRUE(report->missing.empty());
  for (const NamedTensor& named : model.State()) EXPECT_TRUE(IsAll(named.tensor, 2)) << named.name;
}

TEST(InitialWeightsTest, TheHeadStaysFreshWhenItsClassCountDiffers) {
  TinyModel model(5);
  const auto report = LoadMatching(model, FileFor(7));
  ASSERT_OK(report);
  EXPECT_EQ(report->replaced_head_classes, 7);
  EXPECT_THAT(report->missing, ElementsAre("fc.weight", "fc.bias"));
  EXPECT_TRUE(IsAll(model.Get("fc.weight"), 0));
  EXPECT_TRUE(IsAll(model.Get("conv.weight"), 2));
  EXPECT_THAT(report->ToString(), HasSubstr("the file's has 7 classes"));
}

TEST(InitialWeightsTest, PrefixesOfWrappersAndOfPartsAreSeenThrough) {
  for (const char* prefix : {"module.", "model.", "_orig_mod.module.", "student."}) {
    NamedTensors file = FileFor(5, prefix);
    TinyModel model(5);
    EXPECT_OK(LoadMatching(model, file)) << prefix;
    EXPECT_TRUE(IsAll(model.Get("conv.weight"), 2)) << prefix;
  }
  NamedTensors lightning = FileFor(5, "model.");
  lightning.push_back({"criterion.weight", at::zeros({5}), {}});
  TinyModel model(5);
  EXPECT_OK(LoadExact(model, lightning));
}

TEST(InitialWeightsTest, DtypesAreConvertedAndTheCounterOfBatchesMayBeAbsent) {
  NamedTensors file = FileFor(5);
  Remove(file, "bn.num_batches_tracked");
  for (NamedTensor& named : file) named.tensor = named.tensor.to(at::kHalf);
  TinyModel model(5);

  ASSERT_OK(LoadExact(model, file));

  EXPECT_EQ(model.Get("conv.weight").scalar_type(), at::kFloat);
  EXPECT_TRUE(IsAll(model.Get("conv.weight"), 2));
  EXPECT_TRUE(IsAll(model.Get("bn.num_batches_tracked"), 0));
}

TEST(InitialWeightsTest, ChannelsLastParametersKeepTheirLayout) {
  TinyModel model(5);
  model.ToChannelsLast();
  ASSERT_OK(LoadMatching(model, FileFor(5)));
  EXPECT_TRUE(model.Get("conv.weight").is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(model.Get("conv.weight").requires_grad());
}

TEST(InitialWeightsTest, ShapesThatDifferAreSkippedWithTheReason) {
  NamedTensors file = FileFor(5);
  file[1].tensor = at::zeros({9});
  TinyModel model(5);
  const auto report = LoadMatching(model, file);
  ASSERT_OK(report);
  ASSERT_EQ(report->skipped.size(), 1U);
  EXPECT_EQ(report->skipped[0].name, "bn.weight");
  EXPECT_THAT(report->skipped[0].reason, AllOf(HasSubstr("[9]"), HasSubstr("[4]")));
}

TEST(InitialWeightsTest, AnotherArchitectureIsAnErrorWithNamesOfBothSides) {
  NamedTensors file;
  file.push_back({"layer1.0.conv1.weight", at::zeros({4, 3, 1, 1}), {}});
  TinyModel model(5);
  EXPECT_THAT(LoadMatching(model, file),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("conv.weight"), HasSubstr("layer1.0.conv1.weight"))));
}

// All that resnet20-a has is in a file of resnet20, by name and shape.
TEST(InitialWeightsTest, ARelatedArchitectureIsNotLoadedInPart) {
  for (const auto& [of_file, of_model] :
       {std::pair("resnet20", "resnet20-a"), std::pair("resnet20-a", "resnet20")}) {
    const auto source = CreateModel(of_file, 7);
    const auto target = CreateModel(of_model, 10);
    ASSERT_THAT(source, IsOk());
    ASSERT_THAT(target, IsOk());

    EXPECT_THAT(LoadMatching(**target, (*source)->State()),
                StatusIs(Code::kInvalidArgument, HasSubstr("another architecture, the model " +
                                                           std::string(of_file) + ":")));
  }
}

TEST(InitialWeightsTest, LessThanHalfIsAnErrorAndLeavesTheModelAlone) {
  NamedTensors file = FileFor(5);
  file[0].tensor = at::zeros({1});
  file[1].tensor = at::zeros({1});
  TinyModel model(5);
  EXPECT_THAT(LoadMatching(model, file),
              StatusIs(Code::kInvalidArgument, HasSubstr("0 of the model's 2 parameters")));
  EXPECT_TRUE(IsAll(model.Get("fc.weight"), 0));
}

TEST(InitialWeightsTest, ExactLoadNamesTheDifferences) {
  NamedTensors file = FileFor(5);
  Remove(file, "bn.running_mean");
  file.push_back({"extra.weight", at::zeros({1}), {}});
  TinyModel model(5);
  EXPECT_THAT(LoadExact(model, file),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("lacks: bn.running_mean"), HasSubstr("extra.weight"))));
  EXPECT_TRUE(IsAll(model.Get("conv.weight"), 0));
}

TEST(InitialWeightsTest, ExactLoadTellsTheClassCountsWhenOnlyTheHeadDiffers) {
  TinyModel model(5);
  EXPECT_THAT(
      LoadExact(model, FileFor(7)),
      StatusIs(Code::kInvalidArgument, HasSubstr("trained for 7 classes, the data set has 5")));
  NamedTensors other = FileFor(7);
  Remove(other, "conv.weight");
  EXPECT_THAT(LoadExact(model, other), StatusIs(Code::kInvalidArgument, Not(HasSubstr("trained"))));
}

TEST(InitialWeightsTest, ValuesThatAreNotFiniteAreRefused) {
  NamedTensors file = FileFor(5);
  file[0].tensor[0][0][0][0] = NAN;
  TinyModel model(5);
  EXPECT_THAT(LoadMatching(model, file), StatusIs(Code::kDataLoss, HasSubstr("conv.weight")));
  EXPECT_THAT(LoadExact(model, file), HasCode(Code::kDataLoss));
  EXPECT_TRUE(IsAll(model.Get("bn.weight"), 0));
}

TEST(InitialWeightsTest, PrefixesAreStrippedOnlyWhereAllNamesShareThem) {
  NamedTensors tensors = {{"module.a", at::zeros({1}), {}}, {"b", at::zeros({1}), {}}};
  StripWrapperPrefixes(tensors);
  EXPECT_EQ(tensors[0].name, "module.a");
}

}  // namespace
}  // namespace distill::core
