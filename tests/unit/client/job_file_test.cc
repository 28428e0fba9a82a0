#include "client/job_file.h"

#include <gmock/gmock.h>

#include <set>
#include <vector>

#include "client/output/message_json.h"
#include "core/base/durable_file.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(JobFileTest, ADocumentIsAJob) {
  const auto jobs = ParseJobFile(
      "name: teacher\n"
      "labels: {project: birds}\n"
      "train:\n"
      "  model: resnet50\n"
      "  optimizer: {kind: adamw, learning_rate: 1e-4}\n"
      "  input: {mean: [0.1, 0.2, 0.3]}\n"
      "---\n"
      "name: look\n"
      "eval: {job: teacher, passes: [{split: val}, {split: test, tta: true}]}\n",
      "two.yaml");

  ASSERT_OK(jobs);
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ((*jobs)[0].name(), "teacher");
  EXPECT_EQ((*jobs)[0].labels().at("project"), "birds");
  EXPECT_DOUBLE_EQ((*jobs)[0].train().optimizer().learning_rate(), 1e-4);
  EXPECT_THAT((*jobs)[0].train().input().mean(), ElementsAre(0.1, 0.2, 0.3));
  EXPECT_EQ((*jobs)[1].eval().job(), "teacher");
  EXPECT_TRUE((*jobs)[1].eval().passes(1).tta());
}

TEST(JobFileTest, JsonIsReadToo) {
  const auto jobs = ParseJobFile(
      "{\"jobs\": [\n\t{\"name\": \"a\", \"train\": {\"epochs\": 3, \"seed\": \"5\", "
      "\"initial_weights\": {\"pretrained\": true}}}\n]}\n",
      "a.json");

  ASSERT_OK(jobs);
  EXPECT_EQ((*jobs)[0].train().epochs(), 3);
  EXPECT_EQ((*jobs)[0].train().seed(), 5);
  EXPECT_TRUE((*jobs)[0].train().initial_weights().pretrained());
}

TEST(JobFileTest, TheJsonThatWePrintReadsBack) {
  v1::Job job;
  job.set_name("s");
  auto& distillation = *job.mutable_train()->mutable_distillation();
  distillation.add_teachers()->set_job("t");
  distillation.add_terms()->set_method(v1::DISTILLATION_METHOD_MGD);
  distillation.mutable_terms(0)->add_blocks(4);

  const auto jobs = ParseJobFile(ToJson(job), "s.json");

  ASSERT_OK(jobs);
  EXPECT_EQ(ToJson((*jobs)[0]), ToJson(job));
}

TEST(JobFileTest, DefaultsGoIntoJobsOfTheirKind) {
  const auto jobs = ParseJobFile(
      "defaults:\n"
      "  priority: 5\n"
      "  train: {epochs: 150, input: {image_size: 224}, initial_weights: {pretrained: true},"
      "          ema: {decay: 0.9}}\n"
      "  eval: {passes: [{split: val}, {split: test}]}\n"
      "jobs:\n"
      "  - train: {model: a, epochs: 2}\n"
      "  - train: {model: b, ema: null, initial_weights: {file: w/x.pth}}\n"
      "  - eval: {job: a}\n"
      "  - eval: {job: b, passes: [{split: test}]}\n",
      "d.yaml");

  ASSERT_OK(jobs);
  EXPECT_EQ((*jobs)[0].train().epochs(), 2);
  EXPECT_EQ((*jobs)[0].train().input().image_size(), 224);
  EXPECT_TRUE((*jobs)[0].train().has_ema());
  EXPECT_EQ((*jobs)[1].train().epochs(), 150);
  EXPECT_FALSE((*jobs)[1].train().has_ema());
  EXPECT_EQ((*jobs)[1].train().initial_weights().file(), "w/x.pth");
  EXPECT_EQ((*jobs)[2].priority(), 5);
  EXPECT_FALSE((*jobs)[2].has_train());
  EXPECT_EQ((*jobs)[2].eval().passes_size(), 2);
  EXPECT_EQ((*jobs)[3].eval().passes_size(), 1);
}

TEST(JobFileTest, AllThatIsWrongIsToldAtOnceWithItsPlace) {
  const auto jobs = ParseJobFile(
      "jobs:\n"
      "  - name: a\n"
      "    train:\n"
      "      epohcs: 3\n"
      "      batch_size: many\n"
      "      optimizer: adamw\n"
      "  - name: b\n"
      "    id: 4\n"
      "    state: RUNNING\n"
      "  - eval: {job: a, file: x.pth}\n",
      "bad.yaml");

  EXPECT_THAT(jobs, StatusIs(Code::kInvalidArgument,
                             AllOf(HasSubstr("bad.yaml:4: jobs[0].train.epohcs: no such field"),
                                   HasSubstr("bad.yaml:5: jobs[0].train.batch_size"),
                                   HasSubstr("bad.yaml:6: jobs[0].train.optimizer"),
                                   HasSubstr("bad.yaml:8: jobs[1].id: only the server"),
                                   HasSubstr("bad.yaml:9: jobs[1].state: only the server"),
                                   HasSubstr("jobs[1]: 'train' or 'eval' is needed"),
                                   HasSubstr("bad.yaml:10: jobs[2].eval.file: excludes 'job'"))));
}

TEST(JobFileTest, AKeyGivenTwiceIsRefused) {
  EXPECT_THAT(ParseJobFile("train: {epochs: 3, epochs: 4}\n", "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("f:1: train.epochs: given twice")));
}

TEST(JobFileTest, AProblemOfTheDefaultsIsToldOnce) {
  const auto jobs = ParseJobFile("defaults: {priorty: 5}\njobs: [{train: {model: a}}]\n", "f");

  ASSERT_FALSE(jobs.ok());
  EXPECT_THAT(jobs.status().message(), HasSubstr("f:1: defaults.priorty: no such field"));
  EXPECT_THAT(jobs.status().message(), Not(HasSubstr("\n")));
}

TEST(JobFileTest, WhatIsNotYamlIsRefusedWithItsLine) {
  EXPECT_THAT(ParseJobFile("train: {\n  model: a\n", "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("f:")));
  EXPECT_THAT(ParseJobFile("", "f"), StatusIs(Code::kInvalidArgument, HasSubstr("holds no job")));
  EXPECT_THAT(ParseJobFile("just words", "f"), ::distill::testing::HasCode(Code::kInvalidArgument));
}

TEST(JobFileTest, AJobStandsForEachOfItsVariantsUnderDefaultsAndOwnFields) {
  const auto jobs = ParseJobFile(
      "defaults: {train: {epochs: 9, seed: 1, batch_size: 2}}\n"
      "variants:\n"
      "  at: {train: {epochs: 5, seed: 2, distillation: {terms: [{method: at}]}}}\n"
      "  sp: {train: {distillation: {terms: [{method: sp}]}}}\n"
      "jobs:\n"
      "  - name: s\n"
      "    variants: [at, sp]\n"
      "    train: {seed: 3, distillation: {teachers: [{job: t}]}}\n"
      "---\n"
      "variants: {sp: {train: {distillation: {terms: [{method: sp, blocks: [4]}]}}}}\n"
      "jobs: [{name: u, variants: [at, sp], train: {model: m}}]\n",
      "v.yaml");

  ASSERT_OK(jobs);
  ASSERT_EQ(jobs->size(), 4U);
  EXPECT_EQ((*jobs)[0].name(), "s-at");
  EXPECT_EQ((*jobs)[0].train().epochs(), 5);
  EXPECT_EQ((*jobs)[0].train().seed(), 3);
  EXPECT_EQ((*jobs)[0].train().batch_size(), 2);
  EXPECT_EQ((*jobs)[0].train().distillation().teachers(0).job(), "t");
  EXPECT_EQ((*jobs)[0].train().distillation().terms(0).method(), v1::DISTILLATION_METHOD_AT);
  EXPECT_EQ((*jobs)[1].name(), "s-sp");
  EXPECT_EQ((*jobs)[1].train().epochs(), 9);
  EXPECT_EQ((*jobs)[1].train().distillation().terms(0).blocks_size(), 0);
  EXPECT_EQ((*jobs)[2].name(), "u-at") << "a variant is known in the documents after its own";
  EXPECT_THAT((*jobs)[3].train().distillation().terms(0).blocks(), ElementsAre(4));
}

TEST(JobFileTest, EveryTrainingJobIsEvaluatedWhereAskedFor) {
  const auto jobs = ParseJobFile(
      "defaults: {priority: 3, eval: {passes: [{split: test}]}}\n"
      "variants: {a: {}, b: {}}\n"
      "evaluate: true\n"
      "jobs: [{name: s, variants: [a, b], train: {}}, {name: x, eval: {job: y}}]\n",
      "e.yaml");

  ASSERT_OK(jobs);
  std::vector<std::string> names;
  for (const v1::Job& job : *jobs) names.push_back(job.name());
  EXPECT_THAT(names, ElementsAre("s-a", "s-a-eval", "s-b", "s-b-eval", "x"));
  EXPECT_EQ((*jobs)[1].eval().job(), "s-a");
  EXPECT_EQ((*jobs)[1].eval().passes_size(), 1);
  EXPECT_EQ((*jobs)[1].priority(), 3);
}

TEST(JobFileTest, MoreJobsThanAServerTakesAreRefused) {
  std::string names = "a";
  for (int i = 1; i < 501; ++i) names += ", a";
  const std::string text = "variants: {a: {}}\nevaluate: true\njobs: [{name: s, variants: [" +
                           names + "], train: {}}]\n";

  EXPECT_THAT(ParseJobFile(text, "m.yaml"),
              StatusIs(Code::kInvalidArgument, HasSubstr("m.yaml:3: jobs: a file may hold 1000")));
}

TEST(JobFileTest, WhatIsWrongWithVariantsIsToldWithItsPlace) {
  const auto jobs = ParseJobFile(
      "variants:\n"
      "  a: {train: {epohcs: 3}}\n"
      "  b: {eval: {}}\n"
      "evaluate: maybe\n"
      "jobs:\n"
      "  - {name: s, variants: [a, c], train: {}}\n"
      "  - {variants: [a], train: {}}\n"
      "  - {name: t, variants: [], train: {}}\n",
      "w.yaml");

  EXPECT_THAT(jobs, StatusIs(Code::kInvalidArgument,
                             AllOf(HasSubstr("w.yaml:2: variants.a.train.epohcs: no such field"),
                                   HasSubstr("w.yaml:3: variants.b: is of training jobs"),
                                   HasSubstr("w.yaml:4: evaluate: true or false"),
                                   HasSubstr("w.yaml:6: jobs[0].variants: no such variant: 'c'"),
                                   HasSubstr("w.yaml:7: jobs[1]: variants are of a training job"),
                                   HasSubstr("w.yaml:8: jobs[2].variants: a list of names"))));
}

TEST(JobFileTest, TheReferenceRecipeHoldsEveryRunWithItsEvaluationInOrder) {
  const auto text = ReadFile(std::string(DISTILL_RECIPES) + "/cub200-reference.yaml");
  ASSERT_OK(text);

  const auto jobs = ParseJobFile(*text, "cub200-reference.yaml");

  ASSERT_OK(jobs);
  std::set<std::string> names;
  int trained = 0;
  std::set<std::string> evaluated;
  for (const v1::Job& job : *jobs) {
    if (job.has_eval()) {
      EXPECT_EQ(names.count(job.eval().job()), 1U) << job.name();
      EXPECT_EQ(job.eval().passes_size(), 3);
      evaluated.insert(job.eval().job());
    } else {
      ++trained;
      EXPECT_EQ(job.train().epochs(), 150);
      EXPECT_DOUBLE_EQ(job.train().optimizer().learning_rate(), 1e-4);
    }
    for (const auto& teacher : job.train().distillation().teachers()) {
      EXPECT_EQ(names.count(teacher.job()), 1U) << job.name();
    }
    EXPECT_TRUE(names.insert(job.name()).second) << job.name();
  }
  // Counted in the document: 4 plain, 3 + 3 by resnet50 and ghostnet, 3 bases and 2 runs of SP,
  // 3 self-distillations, 5 by efficientnet_v2_s.
  EXPECT_EQ(trained, 23);
  EXPECT_EQ(evaluated.size(), 23U);
}

// Found by tests/fuzz/job_file_fuzzer: yaml-cpp 0.7 did not come back.
TEST(JobFileTest, AFileThatIsNoTextIsNamedWithItsLine) {
  EXPECT_THAT(ParseJobFile(std::string("jobs:\n- name:\0\xFF", 15), "f.yaml").status().message(),
              ::testing::HasSubstr("f.yaml:2: not text in UTF-8"));
}

}  // namespace
}  // namespace distill::client
