#include "client/teacher_request.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Teachers = google::protobuf::RepeatedPtrField<v1::Teacher>;

class TeacherRequestTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = dir_.path() / name;
    std::ofstream(path) << content;
    return path;
  }

  Status Add() {
    teachers_.Clear();
    return AddTeachers(flags_, teachers_);
  }

  distill::testing::TempDir dir_;
  TeacherFlags flags_;
  Teachers teachers_;
};

TEST_F(TeacherRequestTest, OneValueIsForEveryTeacherAndSeveralAreInTheirOrder) {
  flags_.teachers = {"a.pth", "big-run"};
  flags_.models = {"resnet50", "-"};
  flags_.checkpoints = {"last"};
  flags_.weights = {"1", "3"};
  flags_.means = {"0.5,0.5,0.5", "-"};

  ASSERT_OK(Add());

  EXPECT_EQ(teachers_[0].file(), "a.pth");
  EXPECT_EQ(teachers_[0].model(), "resnet50");
  EXPECT_THAT(teachers_[0].mean(), ElementsAre(0.5, 0.5, 0.5));
  EXPECT_EQ(teachers_[1].job(), "big-run");
  EXPECT_EQ(teachers_[1].model(), "");
  EXPECT_EQ(teachers_[1].checkpoint(), v1::CHECKPOINT_KIND_LAST);
  EXPECT_EQ(teachers_[1].weight(), 3);
}

TEST_F(TeacherRequestTest, ATorchScriptFileHasAModelOfThatNameAndASizeOfItsOwn) {
  flags_.teachers = {"vit.ts", "a.pth"};
  flags_.models = {"torchscript", "resnet50"};
  flags_.image_sizes = {"518", "-"};

  ASSERT_OK(Add());

  EXPECT_EQ(teachers_[0].file(), "vit.ts");
  EXPECT_EQ(teachers_[0].model(), "torchscript");
  EXPECT_EQ(teachers_[0].image_size(), 518);
  EXPECT_FALSE(teachers_[1].has_image_size());
  flags_.models.clear();
  EXPECT_THAT(Add(), StatusIs(Code::kInvalidArgument, HasSubstr("or torchscript")));
}

TEST_F(TeacherRequestTest, ClassesAndPairsAreReadFromFiles) {
  flags_.teachers = {"birds.pth"};
  flags_.models = {"mobilenetv2"};
  flags_.classes = {Write("classes.txt", "Corvus (Crow, common)\r\nLarus\n\n")};
  flags_.class_maps = {Write("map.csv", "crow,Corvus (Crow, common)\ngull,\n")};

  ASSERT_OK(Add());

  EXPECT_THAT(teachers_[0].class_names(), ElementsAre("Corvus (Crow, common)", "Larus"));
  ASSERT_EQ(teachers_[0].class_map_size(), 2);
  EXPECT_EQ(teachers_[0].class_map(0).teacher_class(), "Corvus (Crow, common)");
  EXPECT_EQ(teachers_[0].class_map(1).dataset_class(), "gull");
  EXPECT_EQ(teachers_[0].class_map(1).teacher_class(), "");
  flags_.class_maps = {"by-name"};
  ASSERT_OK(Add());
  EXPECT_TRUE(teachers_[0].match_class_names());
}

TEST_F(TeacherRequestTest, WhatDoesNotFitNamesTheFlag) {
  flags_.teachers = {"a", "b"};
  flags_.checkpoints = {"best", "last", "last"};
  EXPECT_THAT(Add(), StatusIs(Code::kInvalidArgument,
                              AllOf(HasSubstr("--teacher-checkpoint"), HasSubstr("2 teachers"))));
  flags_.checkpoints = {"newest"};
  EXPECT_THAT(Add(), StatusIs(Code::kInvalidArgument, HasSubstr("--teacher-checkpoint")));
  flags_.checkpoints.clear();
  flags_.classes = {"/none/such"};
  EXPECT_THAT(Add(), StatusIs(Code::kResourceExhausted, HasSubstr("/none/such")));
  flags_.classes.clear();
  flags_.class_maps = {Write("map.csv", "crow")};
  EXPECT_THAT(Add(), StatusIs(Code::kInvalidArgument, HasSubstr("not 'crow'")));
}

}  // namespace
}  // namespace distill::client
