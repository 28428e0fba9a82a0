#include "client/field_path.h"

#include <gmock/gmock.h>

#include "distill/v1/job.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(FieldPathTest, SetsPlainFieldsOfEveryType) {
  v1::Job job;

  ASSERT_OK(SetField(job, "train.epochs", "2"));
  ASSERT_OK(SetField(job, "train.seed", "-9000000000"));
  ASSERT_OK(SetField(job, "train.optimizer.learning_rate", "1e-4"));
  ASSERT_OK(SetField(job, "train.amp", "true"));
  ASSERT_OK(SetField(job, "train.optimizer.kind", "SGD"));
  ASSERT_OK(SetField(job, "train.dataset", "cub200"));

  EXPECT_EQ(job.train().epochs(), 2);
  EXPECT_EQ(job.train().seed(), -9000000000);
  EXPECT_DOUBLE_EQ(job.train().optimizer().learning_rate(), 1e-4);
  EXPECT_TRUE(job.train().amp());
  EXPECT_EQ(job.train().optimizer().kind(), v1::OPTIMIZER_KIND_SGD);
  EXPECT_EQ(job.train().dataset(), "cub200");
}

TEST(FieldPathTest, AListIsReplacedAsAWhole) {
  v1::Job job;
  ASSERT_OK(SetField(job, "train.input.mean", "0.1,0.2,0.3"));

  ASSERT_OK(SetField(job, "train.input.mean", "0.4,0.5,0.6"));

  EXPECT_THAT(job.train().input().mean(), ElementsAre(0.4, 0.5, 0.6));
}

TEST(FieldPathTest, AnEntryOfAListIsReachedByItsNumber) {
  v1::Job job;
  job.mutable_train()->mutable_distillation()->add_terms();
  job.mutable_train()->mutable_distillation()->add_terms();

  ASSERT_OK(SetField(job, "train.distillation.terms.1.weight", "2.5"));

  EXPECT_DOUBLE_EQ(job.train().distillation().terms(1).weight(), 2.5);
  EXPECT_FALSE(job.train().distillation().terms(0).has_weight());
  EXPECT_THAT(SetField(job, "train.distillation.terms.2.weight", "1"),
              StatusIs(Code::kInvalidArgument, HasSubstr("there are 2 entries")));
}

TEST(FieldPathTest, AKeyOfAMapIsSetOrReplaced) {
  v1::Job job;
  ASSERT_OK(SetField(job, "labels.project", "birds"));
  ASSERT_OK(SetField(job, "labels.project", "cubs"));

  EXPECT_EQ(job.labels().at("project"), "cubs");
  EXPECT_EQ(job.labels_size(), 1);
}

TEST(FieldPathTest, AnUnknownFieldIsNamedBesideThoseThatExist) {
  v1::Job job;
  EXPECT_THAT(SetField(job, "train.optimizer.learnrate", "1"),
              StatusIs(Code::kInvalidArgument, AllOf(StartsWith("train.optimizer.learnrate: "),
                                                     HasSubstr("learning_rate"))));
}

TEST(FieldPathTest, ValuesThatDoNotFitAreRefused) {
  v1::Job job;
  EXPECT_THAT(SetField(job, "train.epochs", "2.5"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train.epochs", "99999999999"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train.optimizer.learning_rate", "nan"),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train.optimizer.learning_rate", "1e-4x"),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train.amp", "maybe"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train", "x"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(SetField(job, "train.epochs.x", "1"), HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::client
