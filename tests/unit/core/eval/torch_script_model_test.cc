#include "core/eval/torch_script_model.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <string>

#include "tests/matchers/status_matchers.h"
#include "tests/unit/core/eval/script_files.h"

namespace distill::core {
namespace {

using ::distill::testing::EqualsGolden;
using ::distill::testing::ScriptFile;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

Result<std::unique_ptr<TorchScriptModel>> LoadProgram(const std::string& name,
                                                      int64_t image_size = 32,
                                                      int64_t num_outputs = 3) {
  return TorchScriptModel::Load({ScriptFile(name), image_size, num_outputs}, at::kCPU);
}

auto RefusedWith(const std::string& first, const std::string& second) {
  return StatusIs(Code::kInvalidArgument, AllOf(HasSubstr(first), HasSubstr(second)));
}

TEST(TorchScriptModelTest, OutputsOfTheTupleAreLogitsBlocksAndEmbedding) {
  const auto model = LoadProgram("features.pt");
  ASSERT_OK(model);

  const ModelOutput output =
      (*model)->Forward(distill::testing::ScriptPixels(), /*want_blocks=*/true);

  EXPECT_TRUE(EqualsGolden(output.logits, distill::testing::kScriptLogits));
  EXPECT_TRUE(EqualsGolden(output.embedding, distill::testing::kScriptEmbedding));
  EXPECT_TRUE(EqualsGolden(output.blocks[0].mean({2, 3}), distill::testing::kScriptBlock1Means));
  EXPECT_FALSE(output.blocks[1].defined());
  EXPECT_FALSE(output.blocks[2].defined());
  EXPECT_TRUE(EqualsGolden(output.blocks[3], distill::testing::kScriptBlock4));
  EXPECT_EQ((*model)->outputs(), "logits 2x3, block 1 2x4x8x8, block 4 2x8x1x1, embedding 2x6");
}

TEST(TorchScriptModelTest, BlocksAreLeftOutUnlessAskedFor) {
  const auto model = LoadProgram("features.pt");
  ASSERT_OK(model);

  EXPECT_FALSE((*model)->Forward(distill::testing::ScriptPixels(), false).blocks[0].defined());
}

TEST(TorchScriptModelTest, ATracedNetworkMayHaveAnEmbeddingAndNoBlocks) {
  const auto model = LoadProgram("traced.pt");
  ASSERT_OK(model);

  const ModelOutput output = (*model)->Forward(distill::testing::ScriptPixels(), true);

  EXPECT_TRUE(EqualsGolden(output.logits, distill::testing::kScriptLogits));
  EXPECT_TRUE(EqualsGolden(output.embedding, distill::testing::kScriptEmbedding));
  EXPECT_FALSE(output.blocks[0].defined());
}

TEST(TorchScriptModelTest, WeightsAreCountedAsItsState) {
  const auto model = LoadProgram("logits.pt");
  ASSERT_OK(model);

  int64_t count = 0;
  for (const NamedTensor& tensor : (*model)->State()) count += tensor.tensor.numel();

  // 4 3x3x3 kernels; a norm of 4 with mean, variance and counter; 8 5x5x4 kernels, and biases; two
  // layers of 8 to 6 and of 6 to 3.
  EXPECT_EQ(count, 108 + 17 + 808 + 54 + 21);
}

TEST(TorchScriptModelTest, WhatItReturnsIsRefusedWithWhatIsExpected) {
  EXPECT_THAT(LoadProgram("tokens.pt"),
              RefusedWith("returned 2x3x1024 as output 2", "features of block 1"));
  EXPECT_THAT(LoadProgram("classes.pt"), RefusedWith("returned 2 of Long as output 1", "logits"));
  EXPECT_THAT(LoadProgram("dict.pt"), RefusedWith("Dict[str, Tensor]", "tuple (logits"));
  EXPECT_THAT(LoadProgram("one_image.pt"),
              RefusedWith("for 2 images the program returned 1x3", "[images, classes]"));
}

TEST(TorchScriptModelTest, AnImageSizeThatTheProgramDoesNotTakeIsRefusedInTheTrial) {
  EXPECT_OK(LoadProgram("fixed_size.pt", 32));
  EXPECT_THAT(LoadProgram("fixed_size.pt", 64),
              RefusedWith("tried with images of 2x3x64x64", "cannot be multiplied"));
  EXPECT_THAT(LoadProgram("fixed_size.pt", 0), RefusedWith("fixed_size.pt", "image size"));
}

TEST(TorchScriptModelTest, AnotherNumberOfClassesIsRefusedWithBothNumbers) {
  EXPECT_THAT(LoadProgram("logits.pt", 32, 5), RefusedWith("of 3 classes", "of the 5"));
}

TEST(TorchScriptModelTest, AnotherKindOfFileIsNotRun) {
  EXPECT_THAT(LoadProgram("../make_fixtures.py"),
              RefusedWith("not a TorchScript archive", "torch.jit.script"));
}

}  // namespace
}  // namespace distill::core
