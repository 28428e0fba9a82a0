#include "client/output/result_table.h"

#include <gmock/gmock.h>

#include <sstream>

namespace distill::client {
namespace {

using ::testing::ElementsAre;

v1::Job TrainJob(const std::string& id, const std::string& name, const std::string& teacher = "") {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.mutable_train()->set_model("m-" + name);
  job.mutable_train()->set_dataset("birds");
  if (!teacher.empty()) {
    auto& distillation = *job.mutable_train()->mutable_distillation();
    distillation.add_teachers()->set_job(teacher);
    distillation.add_terms()->set_method(v1::DISTILLATION_METHOD_MGD);
  }
  return job;
}

struct Found {
  std::string job;
  v1::Split split;
  bool tta = false;
  double accuracy = 0;
  int64_t at = 0;
};

v1::Evaluation EvaluationOf(const Found& found) {
  v1::Evaluation evaluation;
  evaluation.set_model_job(found.job);
  evaluation.set_dataset("birds");
  evaluation.set_checkpoint(v1::CHECKPOINT_KIND_BEST);
  evaluation.mutable_pass()->set_split(found.split);
  evaluation.mutable_pass()->set_tta(found.tta);
  evaluation.set_finished_at_unix_ms(found.at);
  (*evaluation.mutable_metrics())["accuracy"] = found.accuracy;
  (*evaluation.mutable_metrics())["mpa"] = found.accuracy / 2;
  return evaluation;
}

std::vector<std::string> Names(const std::vector<ResultRow>& rows) {
  std::vector<std::string> names;
  for (const ResultRow& row : rows) names.push_back(std::to_string(row.depth) + row.job);
  return names;
}

TEST(ResultTableTest, StudentsStandUnderTheirTeachers) {
  const std::vector<v1::Job> jobs = {TrainJob("3", "s1", "teacher"), TrainJob("1", "other"),
                                     TrainJob("2", "teacher"), TrainJob("5", "grandchild", "s2"),
                                     TrainJob("4", "s2", "2")};

  const auto rows = ComposeResults(jobs, {}, v1::CHECKPOINT_KIND_BEST);

  EXPECT_THAT(Names(rows), ElementsAre("0other", "0teacher", "1s1", "1s2", "2grandchild"));
}

TEST(ResultTableTest, AStudentWhoseTeacherIsNotShownStandsByItself) {
  const auto rows = ComposeResults({TrainJob("3", "s", "gone")}, {}, v1::CHECKPOINT_KIND_BEST);

  EXPECT_THAT(Names(rows), ElementsAre("0s"));
  EXPECT_EQ(rows[0].method, "mgd");
}

TEST(ResultTableTest, TheNewestEvaluationOfEachPassCounts) {
  const std::vector<v1::Evaluation> evaluations = {
      EvaluationOf({"a", v1::SPLIT_VAL, false, 0.5, 10}),
      EvaluationOf({"1", v1::SPLIT_VAL, false, 0.6, 20}),
      EvaluationOf({"a", v1::SPLIT_TEST, false, 0.7, 10}),
      EvaluationOf({"a", v1::SPLIT_TEST, true, 0.8, 10}),
      EvaluationOf({"b", v1::SPLIT_VAL, false, 0.9, 90})};

  const auto rows = ComposeResults({TrainJob("1", "a")}, evaluations, v1::CHECKPOINT_KIND_BEST);

  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].val_accuracy, 0.6);
  EXPECT_EQ(rows[0].val_mpa, 0.3);
  EXPECT_EQ(rows[0].test_accuracy, 0.7);
  EXPECT_EQ(rows[0].tta_accuracy, 0.8);
}

TEST(ResultTableTest, OtherDataAndOtherCheckpointsDoNotCount) {
  v1::Evaluation other_data = EvaluationOf({"a", v1::SPLIT_TEST, false, 0.7, 10});
  other_data.set_dataset("flowers");
  v1::Evaluation last = EvaluationOf({"a", v1::SPLIT_TEST, false, 0.7, 10});
  last.set_checkpoint(v1::CHECKPOINT_KIND_LAST);

  const auto best =
      ComposeResults({TrainJob("1", "a")}, {other_data, last}, v1::CHECKPOINT_KIND_BEST);
  const auto of_last =
      ComposeResults({TrainJob("1", "a")}, {other_data, last}, v1::CHECKPOINT_KIND_LAST);

  EXPECT_FALSE(best[0].test_accuracy.has_value());
  EXPECT_EQ(of_last[0].test_accuracy, 0.7);
}

TEST(ResultTableTest, FiguresHaveFourDigitsAndMissingOnesADash) {
  const auto rows = ComposeResults({TrainJob("1", "a"), TrainJob("2", "b", "a")},
                                   {EvaluationOf({"b", v1::SPLIT_TEST, false, 0.73483, 1})},
                                   v1::CHECKPOINT_KIND_BEST);
  std::ostringstream indented;
  std::ostringstream flat;
  ResultTable(rows).PrintCsv(indented);
  ResultTable(rows, /*is_indented=*/false).PrintCsv(flat);

  const std::string start =
      "JOB,MODEL,METHOD,VAL ACC,VAL MPA,TEST ACC,TEST MPA,TTA ACC,TTA MPA\n"
      "a,m-a,-,-,-,-,-,-,-\n";
  const std::string student = "b,m-b,mgd,-,-,0.7348,0.3674,-,-\n";
  EXPECT_EQ(indented.str(), start + "  " + student);
  EXPECT_EQ(flat.str(), start + student);
}

TEST(ResultTableTest, JobsThatTeachEachOtherDoNotHang) {
  const auto rows = ComposeResults({TrainJob("1", "a", "b"), TrainJob("2", "b", "a")}, {},
                                   v1::CHECKPOINT_KIND_BEST);
  EXPECT_EQ(rows.size(), 2U);
}

TEST(ResultTableTest, TheConfusionMatrixHasTrueClassesInRows) {
  v1::Evaluation evaluation;
  evaluation.add_classes()->set_name("cat");
  evaluation.add_classes()->set_name("dog");
  for (const int count : {3, 1, 0, 4}) evaluation.add_confusion(count);
  std::ostringstream out;
  ConfusionTable(evaluation).PrintCsv(out);

  EXPECT_EQ(out.str(), "TRUE,cat,dog\ncat,3,1\ndog,0,4\n");
}

}  // namespace
}  // namespace distill::client
