#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/architecture.h"
#include "core/checkpoint/tensor_file.h"
#include "core/train/trainer.h"
#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/eval/script_files.h"

namespace distill::core {
namespace {

using ::distill::testing::IsOk;
using ::distill::testing::RecordingListener;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

/// Runs of one epoch whose teacher is a TorchScript program of three classes.
class ScriptTeacherTest : public ::testing::Test {
 protected:
  ScriptTeacherTest() {
    distill::testing::WriteTinyManifest(dir_.path() / "manifest.csv", /*num_classes=*/3, 8);
  }

  TrainOptions Options(const std::string& run, const std::string& program,
                       const std::vector<DistillationMethod>& methods,
                       const std::vector<int>& blocks = {}) {
    TrainOptions options;
    options.model = "resnet18";
    options.manifest = dir_.path() / "manifest.csv";
    options.run_directory = dir_.path() / run;
    std::filesystem::create_directories(options.run_directory);
    options.image_size = 32;
    options.normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
    options.batch_size = 9;
    options.epochs = options.schedule.epochs = 1;
    TeacherOptions teacher;
    teacher.model = std::string(kTorchScript);
    teacher.weights = distill::testing::ScriptFile(program);
    teacher.normalization = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
    teacher.image_size = 32;
    DistillationOptions& distillation = options.distillation.emplace();
    distillation.teachers = {teacher};
    for (const DistillationMethod method : methods) {
      DistillationTermOptions& term = distillation.terms.emplace_back();
      term.method = method;
      term.blocks = blocks;
    }
    return options;
  }

  Status Teach(const std::string& program, const std::vector<DistillationMethod>& methods,
               const std::vector<int>& blocks = {}) {
    return Train(Options("run", program, methods, blocks), listener_).status();
  }

  distill::testing::TempDir dir_;
  RecordingListener listener_;
};

TEST_F(ScriptTeacherTest, LogitsAloneTeachASoftTarget) {
  EXPECT_THAT(Teach("logits.pt", {DistillationMethod::kSoftTarget}), IsOk());

  EXPECT_THAT(listener_.notices,
              Contains(HasSubstr("TorchScript, returns for 2 images logits 2x3")));
  EXPECT_THAT(listener_.notices, Contains(AllOf(HasSubstr("teacher: "), HasSubstr("val images"))));
  EXPECT_EQ(listener_.epochs.size(), 1U);
}

TEST_F(ScriptTeacherTest, BlocksTeachMgdAndAttention) {
  EXPECT_THAT(Teach("features.pt", {DistillationMethod::kMgd, DistillationMethod::kAt}, {1, 4}),
              IsOk());

  EXPECT_THAT(listener_.notices,
              Contains(AllOf(HasSubstr("mgd: block 1, student 64x8x8, teacher 4x8x8"),
                             HasSubstr("block 4, student 512x1x1, teacher 8x1x1"))));
}

TEST_F(ScriptTeacherTest, TheEmbeddingTeachesRelations) {
  EXPECT_THAT(Teach("traced.pt", {DistillationMethod::kRkd, DistillationMethod::kPkt}), IsOk());
}

TEST_F(ScriptTeacherTest, AResumedRunEndsInTheSameBits) {
  const std::vector<DistillationMethod> methods = {DistillationMethod::kSoftTarget,
                                                   DistillationMethod::kMgd};
  TrainOptions straight = Options("straight", "features.pt", methods);
  straight.epochs = straight.schedule.epochs = 2;
  TrainOptions first = Options("first", "features.pt", methods);
  first.schedule.epochs = 2;
  TrainOptions second = Options("second", "features.pt", methods);
  second.epochs = second.schedule.epochs = 2;
  second.resume_from = {first.run_directory / "last.ckpt"};
  for (const TrainOptions& options : {straight, first, second}) {
    ASSERT_OK(Train(options, listener_));
  }

  const auto left = ReadTensorFile(straight.run_directory / "last.safetensors");
  const auto right = ReadTensorFile(second.run_directory / "last.safetensors");
  ASSERT_OK(left);
  ASSERT_OK(right);
  ASSERT_EQ(left->tensors.size(), right->tensors.size());
  for (size_t i = 0; i < left->tensors.size(); ++i) {
    EXPECT_TRUE(at::equal(left->tensors[i].tensor, right->tensors[i].tensor))
        << left->tensors[i].name;
  }
}

TEST_F(ScriptTeacherTest, WhatAMethodReadsAndTheProgramLacksIsNamedBeforeTheFirstStep) {
  EXPECT_THAT(Teach("logits.pt", {DistillationMethod::kMgd}),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("mgd reads the teacher's block 4"),
                             HasSubstr("it returns logits 2x3"), HasSubstr("return a tuple"))));
  EXPECT_THAT(Teach("features.pt", {DistillationMethod::kAt}),
              StatusIs(Code::kInvalidArgument, HasSubstr("at reads the teacher's block 3")));
  EXPECT_THAT(Teach("logits.pt", {DistillationMethod::kRkd}),
              StatusIs(Code::kInvalidArgument, HasSubstr("rkd reads the teacher's embedding")));
  EXPECT_TRUE(listener_.epochs.empty());
}

}  // namespace
}  // namespace distill::core
