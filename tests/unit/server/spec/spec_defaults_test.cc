#include "server/spec/spec_defaults.h"

#include <gtest/gtest.h>

namespace distill::server {
namespace {

v1::DistillationTerm TermOf(v1::DistillationMethod method) {
  v1::DistillationTerm term;
  term.set_method(method);
  return term;
}

v1::DistillationTerm Filled(const v1::DistillationTerm& term) {
  v1::TrainJob job;
  *job.mutable_distillation()->add_terms() = term;
  FillDefaults(job);
  return job.distillation().terms(0);
}

TEST(SpecDefaultsTest, WeightOfTheReferencesMethodsFollowsItsRatio) {
  EXPECT_NEAR(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_MGD), 0.7), 7.0 / 3.0, 1e-12);
  EXPECT_NEAR(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_SOFT_TARGET), 0.2), 0.25, 1e-12);
  EXPECT_EQ(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_SP), 10.0), 10.0);
  EXPECT_EQ(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_SP), 1.0), 1.0);
  EXPECT_EQ(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_AT), 100.0), 100.0);
  EXPECT_EQ(DefaultWeight(TermOf(v1::DISTILLATION_METHOD_AT), 0.5), 0.5);
}

TEST(SpecDefaultsTest, LowestRateIsNotAboveTheRate) {
  v1::TrainJob usual;
  FillDefaults(usual);
  v1::TrainJob slow;
  slow.mutable_optimizer()->set_learning_rate(1e-8);

  FillDefaults(slow);

  EXPECT_DOUBLE_EQ(usual.schedule().min_learning_rate(), 1e-6);
  EXPECT_DOUBLE_EQ(slow.schedule().min_learning_rate(), 1e-8);
}

TEST(SpecDefaultsTest, OtherMethodsHaveThePublishedWeight) {
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_DKD)).weight(), 1);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_DIST)).weight(), 2);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_FITNET)).weight(), 100);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_RKD)).weight(), 1);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_PKT)).weight(), 30000);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_CRD)).weight(), 0.8);
}

TEST(SpecDefaultsTest, StandardisedLogitsHaveTheirOwnWeightAndTemperature) {
  v1::DistillationTerm term = TermOf(v1::DISTILLATION_METHOD_SOFT_TARGET);
  term.set_standardize_logits(true);

  EXPECT_EQ(Filled(term).weight(), 9);
  EXPECT_EQ(Filled(term).temperature(), 2);
  EXPECT_EQ(Filled(TermOf(v1::DISTILLATION_METHOD_SOFT_TARGET)).temperature(), 4);
}

TEST(SpecDefaultsTest, WeightThatIsGivenStays) {
  v1::DistillationTerm term = TermOf(v1::DISTILLATION_METHOD_PKT);
  term.set_weight(3);

  EXPECT_EQ(Filled(term).weight(), 3);
}

}  // namespace
}  // namespace distill::server
