#include "client/output/seed_table.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

namespace distill::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

v1::Job SeedJob(const std::string& id, int64_t seed, double learning_rate) {
  v1::Job job;
  job.set_id(id);
  job.set_name("sweep-seed" + std::to_string(seed));
  job.set_group("sweep");
  job.mutable_train()->set_model("resnet18");
  job.mutable_train()->set_seed(seed);
  job.mutable_train()->mutable_optimizer()->set_learning_rate(learning_rate);
  return job;
}

ResultRow RowOf(const v1::Job& job, std::optional<double> accuracy) {
  ResultRow row;
  row.id = job.id();
  row.job = job.name();
  row.model = job.train().model();
  row.test_accuracy = accuracy;
  return row;
}

std::string Csv(const TextTable& table) {
  std::ostringstream out;
  table.PrintCsv(out);
  return out.str();
}

// Of 0.5, 0.6, 0.7: mean 0.6, sample deviation 0.1.
TEST(SeedTableTest, JobsThatDifferInTheirSeedOnlyBecomeMeanAndSampleDeviation) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.1),
                                     SeedJob("3", 2, 0.1)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], 0.6),
                                       RowOf(jobs[2], 0.7)};

  EXPECT_THAT(Csv(SeedTable(SummarizeSeeds(jobs, rows), /*is_split=*/true)),
              HasSubstr("sweep,resnet18,-,3,-,-,-,-,0.6000,0.1000,-,-"));
  EXPECT_THAT(Csv(SeedTable(SummarizeSeeds(jobs, rows), /*is_split=*/false)),
              HasSubstr("0.6000 ± 0.1000"));
}

TEST(SeedTableTest, AnotherLearningRateIsAnotherRow) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.2)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], 0.6)};

  const std::string csv = Csv(SeedTable(SummarizeSeeds(jobs, rows), /*is_split=*/true));

  EXPECT_THAT(csv, HasSubstr(",1,-,-,-,-,0.5000,-"));
  EXPECT_THAT(csv, HasSubstr(",1,-,-,-,-,0.6000,-"));
  EXPECT_THAT(csv, Not(HasSubstr(",2,")));
}

// Of 0.5 and 0.7: mean 0.6, sample deviation 0.1414; counted twice each it would be 0.1155.
TEST(SeedTableTest, ASeedCountsOnceAndItsSecondRunIsNamed) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.1),
                                     SeedJob("3", 0, 0.1), SeedJob("4", 1, 0.1)};
  // The first run of seed 1 has no figures.
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], {}), RowOf(jobs[2], 0.5),
                                       RowOf(jobs[3], 0.7)};

  const std::vector<SeedRow> summary = SummarizeSeeds(jobs, rows);

  ASSERT_THAT(summary, SizeIs(1));
  EXPECT_THAT(summary[0].seeds, ElementsAre(0, 1));
  EXPECT_THAT(summary[0].left_out,
              ElementsAre(HasSubstr("sweep-seed1 (id 2)"), HasSubstr("sweep-seed0 (id 3)")));
  EXPECT_THAT(Csv(SeedTable(summary, /*is_split=*/true)), HasSubstr(",2,-,-,-,-,0.6000,0.1414"));
}

TEST(SeedTableTest, JsonHasMeanDeviationAndSeeds) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 7, 0.1)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.25), RowOf(jobs[1], 0.75)};

  std::string json = SeedJson(SummarizeSeeds(jobs, rows));

  json.erase(std::remove_if(json.begin(), json.end(), [](char c) { return c == ' ' || c == '\n'; }),
             json.end());
  EXPECT_THAT(json, HasSubstr("\"seeds\":[0,7]"));
  EXPECT_THAT(json, HasSubstr("\"test_accuracy\":{\"deviation\":0.353553390593273"));
  EXPECT_THAT(json, HasSubstr("\"mean\":0.5,\"seeds\":2}"));
  EXPECT_THAT(json, HasSubstr("\"val_accuracy\":{\"deviation\":null,\"mean\":null,\"seeds\":0}"));
}

TEST(SeedTableTest, SeedsWithoutAFigureAreLeftOutOfItsMean) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.1)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], {})};

  EXPECT_THAT(Csv(SeedTable(SummarizeSeeds(jobs, rows), /*is_split=*/true)),
              HasSubstr(",2,-,-,-,-,0.5000,-"));
}

}  // namespace
}  // namespace distill::client
