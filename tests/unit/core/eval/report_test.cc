#include "core/eval/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace distill::core {
namespace {

// Two classes with awkward names: 3 of 4 images right.
EvalReport FourImages() {
  EvalCounts counts;
  counts.num_classes = 2;
  counts.confusion = {2, 0, 1, 1};
  counts.num_top5 = 4;
  counts.loss_sum = 2.0;
  EvalReport report;
  report.metrics = ComputeMetrics(counts);
  report.class_names = {"Sparrow, House", "the \"Great\" Auk"};
  report.images_per_second = 12.5;
  report.calibration_error = 0.125;
  report.facts = {{"model", "mobilenetv2"}, {"split", "test"}};
  return report;
}

// Recalls 1, 1/2; precisions 2/3, 1; F1 4/5, 2/3; chance (2*3 + 2*1) / 16 = 1/2.
TEST(ReportTest, OverallCsvHoldsFactsAndMetricsUnderTheirNames) {
  EXPECT_EQ(OverallCsv(FourImages()),
            "model,split,images,accuracy,mpa,top5_accuracy,loss,ece,kappa,precision_macro,"
            "recall_macro,f1_macro,images_per_second\n"
            "mobilenetv2,test,4,0.75,0.75,1,0.5,0.125,0.5,0.8333333333333333,0.75,"
            "0.7333333333333334,12.5\n");
}

TEST(ReportTest, ClassCsvQuotesNamesAsRfc4180Asks) {
  EXPECT_EQ(ClassCsv(FourImages()),
            "class,images,predicted,correct,precision,recall,f1\n"
            "\"Sparrow, House\",2,3,2,0.6666666666666666,1,0.8\n"
            "\"the \"\"Great\"\" Auk\",2,1,1,1,0.5,0.6666666666666666\n");
}

TEST(ReportTest, TeachersStandBesideTheModel) {
  EvalReport report = FourImages();
  report.fidelity = FidelityMetrics{0.5, 0.75, 0.25, {0.5, 0.5}, {1, 0.5}};

  EXPECT_THAT(OverallCsv(report), ::testing::EndsWith("12.5,0.5,0.75,0.25\n"));
  EXPECT_THAT(ClassCsv(report), ::testing::HasSubstr(",f1,teacher_recall,recall_difference,"
                                                     "teacher_agreement\n"));
  EXPECT_THAT(ClassCsv(report), ::testing::HasSubstr("0.8,0.5,0.5,1\n"));
  const nlohmann::json json = nlohmann::json::parse(ReportJson(report));
  EXPECT_EQ(json["teacher_kl"], 0.25);
  EXPECT_EQ(json["classes"][1]["teacher_agreement"], 0.5);
}

TEST(ReportTest, ConfusionCsvHasALineForEachTrueClass) {
  EXPECT_EQ(ConfusionCsv(FourImages()),
            "true class,\"Sparrow, House\",\"the \"\"Great\"\" Auk\"\n"
            "\"Sparrow, House\",2,0\n"
            "\"the \"\"Great\"\" Auk\",1,1\n");
}

TEST(ReportTest, JsonHoldsAllThree) {
  const nlohmann::json json = nlohmann::json::parse(ReportJson(FourImages()));

  EXPECT_EQ(json["facts"]["split"], "test");
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["accuracy"], 0.75);
  EXPECT_EQ(json["kappa"], 0.5);
  EXPECT_EQ(json["classes"][1]["class"], "the \"Great\" Auk");
  EXPECT_EQ(json["classes"][1]["recall"], 0.5);
  EXPECT_EQ(json["confusion"], (nlohmann::json{{2, 0}, {1, 1}}));
}

TEST(ReportTest, TheMatrixOfVeryManyClassesIsInItsCsvAlone) {
  EvalCounts counts;
  counts.num_classes = kMaxConfusionClasses + 1;
  counts.confusion.resize((kMaxConfusionClasses + 1) * (kMaxConfusionClasses + 1));
  counts.confusion[1] = 7;
  EvalReport report;
  report.metrics = ComputeMetrics(counts);
  report.class_names.resize(kMaxConfusionClasses + 1, "c");

  const nlohmann::json json = nlohmann::json::parse(ReportJson(report));

  EXPECT_FALSE(json.contains("confusion"));
  EXPECT_EQ(json["classes"].size(), kMaxConfusionClasses + 1);
  EXPECT_THAT(ConfusionCsv(report), ::testing::HasSubstr("\nc,0,7,0,"));
}

TEST(ReportTest, JsonSurvivesBytesThatAreNotUtf8AndNumbersThatAreNone) {
  EvalReport report = FourImages();
  report.class_names[0] = "Sp\xFFrrow";
  report.metrics.loss = std::numeric_limits<double>::quiet_NaN();

  const nlohmann::json json = nlohmann::json::parse(ReportJson(report));

  EXPECT_EQ(json["classes"][0]["class"], "Sp\xEF\xBF\xBDrrow");
  EXPECT_TRUE(json["loss"].is_null());
}

}  // namespace
}  // namespace distill::core
