#include "core/device/torch_script.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <string>

#include "core/device/amp.h"
#include "tests/matchers/status_matchers.h"
#include "tests/unit/core/eval/script_files.h"

namespace distill::core {
namespace {

using ::distill::testing::EqualsGolden;
using ::distill::testing::ScriptPixels;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

Result<std::unique_ptr<TorchScript>> LoadScript(const std::string& name) {
  return TorchScript::Load(distill::testing::ScriptFile(name), at::kCPU);
}

Status FailureOf(const std::string& name) {
  const auto program = LoadScript(name);
  if (!program.ok()) return program.status();
  return (*program)->Run(ScriptPixels()).status();
}

TEST(TorchScriptTest, ATensorIsWhatPyTorchReturnsInEvaluationMode) {
  const auto program = LoadScript("logits.pt");
  ASSERT_OK(program);

  const auto returned = (*program)->Run(ScriptPixels());

  ASSERT_OK(returned);
  ASSERT_EQ(returned->size(), 1U);
  EXPECT_TRUE(EqualsGolden(returned->front(), distill::testing::kScriptLogits))
      << returned->front();
  EXPECT_FALSE(returned->front().requires_grad());
}

TEST(TorchScriptTest, ATupleIsItsElementsAndNoneIsUndefined) {
  const auto program = LoadScript("features.pt");
  ASSERT_OK(program);

  const auto returned = (*program)->Run(ScriptPixels());

  ASSERT_OK(returned);
  ASSERT_EQ(returned->size(), 6U);
  EXPECT_TRUE(EqualsGolden(returned->at(0), distill::testing::kScriptLogits));
  EXPECT_TRUE(EqualsGolden(returned->at(1).mean({2, 3}), distill::testing::kScriptBlock1Means));
  EXPECT_FALSE(returned->at(2).defined());
  EXPECT_FALSE(returned->at(3).defined());
  EXPECT_TRUE(EqualsGolden(returned->at(4), distill::testing::kScriptBlock4));
  EXPECT_TRUE(EqualsGolden(returned->at(5), distill::testing::kScriptEmbedding));
}

TEST(TorchScriptTest, EveryCallGivesTheSameBitsUnderAutocastAndInChannelsLastToo) {
  const auto program = LoadScript("features.pt");
  ASSERT_OK(program);
  const at::Tensor first = (*program)->Run(ScriptPixels())->front();

  for (int call = 0; call < 4; ++call) {
    const AutocastScope autocast(at::kCPU, AmpMode::kBfloat16);
    const at::Tensor images = ScriptPixels().contiguous(at::MemoryFormat::ChannelsLast);
    EXPECT_TRUE(at::equal((*program)->Run(images)->front(), first)) << call;
  }
}

TEST(TorchScriptTest, ImagesArriveContiguous) {
  const auto program = LoadScript("fixed_size.pt");  // its view() takes no others
  ASSERT_OK(program);

  EXPECT_OK((*program)->Run(ScriptPixels().contiguous(at::MemoryFormat::ChannelsLast)));
}

TEST(TorchScriptTest, AnythingButTensorsIsNamed) {
  EXPECT_THAT(FailureOf("dict.pt"),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("(logits, feature, ...)"), HasSubstr("Dict[str, Tensor]"))));
}

TEST(TorchScriptTest, AFailureTellsTheReasonInALine) {
  const auto program = LoadScript("fixed_size.pt");
  ASSERT_OK(program);

  const Status failed = (*program)->Run(at::zeros({2, 3, 16, 16})).status();

  EXPECT_THAT(failed, StatusIs(Code::kInvalidArgument, HasSubstr("cannot be multiplied")));
  EXPECT_EQ(failed.message().find('\n'), std::string::npos);
}

TEST(TorchScriptTest, AFileThatCannotBeReadSaysWithWhichLibTorch) {
  EXPECT_THAT(FailureOf("../make_fixtures.py"),
              StatusIs(Code::kInvalidArgument, HasSubstr("LibTorch ")));
}

}  // namespace
}  // namespace distill::core
