#include "client/output/seed_table.h"

#include <gmock/gmock.h>

#include <sstream>

namespace distill::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

  EXPECT_THAT(Csv(SeedTable(jobs, rows, /*is_split=*/true)),
              HasSubstr("sweep,resnet18,-,3,-,-,-,-,0.6000,0.1000,-,-"));
  EXPECT_THAT(Csv(SeedTable(jobs, rows, /*is_split=*/false)), HasSubstr("0.6000 ± 0.1000"));
}

TEST(SeedTableTest, AnotherLearningRateIsAnotherRow) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.2)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], 0.6)};

  const std::string csv = Csv(SeedTable(jobs, rows, /*is_split=*/true));

  EXPECT_THAT(csv, HasSubstr(",1,-,-,-,-,0.5000,-"));
  EXPECT_THAT(csv, HasSubstr(",1,-,-,-,-,0.6000,-"));
  EXPECT_THAT(csv, Not(HasSubstr(",2,")));
}

TEST(SeedTableTest, SeedsWithoutAFigureAreLeftOutOfItsMean) {
  const std::vector<v1::Job> jobs = {SeedJob("1", 0, 0.1), SeedJob("2", 1, 0.1)};
  const std::vector<ResultRow> rows = {RowOf(jobs[0], 0.5), RowOf(jobs[1], {})};

  EXPECT_THAT(Csv(SeedTable(jobs, rows, /*is_split=*/true)), HasSubstr(",2,-,-,-,-,0.5000,-"));
}

}  // namespace
}  // namespace distill::client
