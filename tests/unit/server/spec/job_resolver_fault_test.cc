// Jobs that are refused, each for one field: server/spec/job_resolver.h.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <string>

#include "server/spec/job_resolver.h"
#include "tests/unit/server/spec/job_resolver_fixture.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;

// One change of a right job, and the field that must be complained about.
struct Fault {
  std::string field;
  std::function<void(v1::Job&)> change;
};

class JobResolverFaultTest : public JobResolverFixture,
                             public ::testing::WithParamInterface<Fault> {};

TEST_P(JobResolverFaultTest, IsRefusedByItsField) {
  Submit(TrainJob("teacher"));
  v1::Job job = StudentOf("teacher", "student");

  GetParam().change(job);

  EXPECT_THAT(Violations(job), ElementsAre(At(GetParam().field)));
}

v1::TrainJob& Train(v1::Job& job) { return *job.mutable_train(); }
v1::Distillation& Kd(v1::Job& job) { return *Train(job).mutable_distillation(); }
v1::DistillationTerm& Term(v1::Job& job) { return *Kd(job).mutable_terms(0); }

INSTANTIATE_TEST_SUITE_P(
    Common, JobResolverFaultTest,
    ::testing::Values(
        Fault{"name", [](auto& job) { job.set_name("123"); }},
        Fault{"labels", [](auto& job) { (*job.mutable_labels())["a b"] = "c"; }},
        Fault{"labels[note]", [](auto& job) { (*job.mutable_labels())["note"] = "a\x1B]0;b\x07"; }},
        Fault{"labels[note]", [](auto& job) { (*job.mutable_labels())["note"] = "a\nowner  b"; }},
        Fault{"labels[note]", [](auto& job) { (*job.mutable_labels())["note"] = "\xC2\x9B"; }},
        Fault{"resources.threads", [](auto& job) { job.mutable_resources()->set_threads(1000); }},
        Fault{"resources.device", [](auto& job) { job.mutable_resources()->set_device("gpu"); }},
        Fault{"resources.threads", [](auto& job) { job.mutable_resources()->set_threads(-1); }},
        Fault{"retry.max_interruptions",
              [](auto& job) { job.mutable_retry()->set_max_interruptions(-1); }},
        Fault{"spec", [](auto& job) { job.clear_train(); }}));

INSTANTIATE_TEST_SUITE_P(
    Training, JobResolverFaultTest,
    ::testing::Values(
        Fault{"train.epochs", [](auto& job) { Train(job).set_epochs(100'001); }},
        Fault{"train.batch_size", [](auto& job) { Train(job).set_batch_size(0); }},
        Fault{"train.patience", [](auto& job) { Train(job).set_patience(-1); }},
        Fault{"train.seed", [](auto& job) { Train(job).set_seed(-1); }},
        Fault{"train.time_limit_seconds", [](auto& job) { Train(job).set_time_limit_seconds(-1); }},
        Fault{"train.data_threads", [](auto& job) { Train(job).set_data_threads(-1); }},
        Fault{"train.data_threads", [](auto& job) { Train(job).set_data_threads(1000); }},
        Fault{"train.amp_type", [](auto& job) { Train(job).set_amp_type(v1::AMP_TYPE_FLOAT16); }},
        Fault{"train.amp_type",
              [](auto& job) {
                Train(job).set_amp(true);
                Train(job).set_amp_type(static_cast<v1::AmpType>(99));
              }},
        Fault{"train.gradient_clip_norm",
              [](auto& job) { Train(job).set_gradient_clip_norm(std::nan("")); }},
        Fault{"train.input.image_size",
              [](auto& job) { Train(job).mutable_input()->set_image_size(100); }},
        Fault{"train.input.mean", [](auto& job) { Train(job).mutable_input()->add_mean(0.5); }},
        Fault{"train.optimizer.learning_rate",
              [](auto& job) { Train(job).mutable_optimizer()->set_learning_rate(INFINITY); }},
        Fault{"train.optimizer.learning_rate",  // not also the lowest rate, which would be above it
              [](auto& job) { Train(job).mutable_optimizer()->set_learning_rate(-1); }},
        Fault{"train.optimizer.learning_rate",
              [](auto& job) {
                Train(job).mutable_optimizer()->set_learning_rate(-1);
                Train(job).mutable_schedule()->set_min_learning_rate(1e-6);
              }},
        Fault{"train.schedule.min_learning_rate",
              [](auto& job) { Train(job).mutable_schedule()->set_min_learning_rate(-1); }},
        Fault{"train.optimizer.momentum",
              [](auto& job) { Train(job).mutable_optimizer()->set_momentum(1); }},
        Fault{"train.optimizer.weight_decay",
              [](auto& job) { Train(job).mutable_optimizer()->set_weight_decay(-1); }},
        Fault{"train.schedule.min_learning_rate",
              [](auto& job) { Train(job).mutable_schedule()->set_min_learning_rate(1); }},
        Fault{"train.schedule.step_factor",
              [](auto& job) { Train(job).mutable_schedule()->set_step_factor(0); }},
        Fault{"train.schedule.milestones",
              [](auto& job) { Train(job).mutable_schedule()->add_milestones(10); }},
        Fault{"train.schedule.milestones",
              [](auto& job) {
                Train(job).mutable_schedule()->set_kind(v1::SCHEDULE_KIND_STEP);
                Train(job).mutable_schedule()->add_milestones(10);
                Train(job).mutable_schedule()->add_milestones(10);
              }},
        Fault{"train.schedule.step_epochs",
              [](auto& job) {
                Train(job).mutable_schedule()->set_kind(v1::SCHEDULE_KIND_STEP);
                Train(job).mutable_schedule()->add_milestones(10);
                Train(job).mutable_schedule()->set_step_epochs(5);
              }},
        Fault{"train.schedule.warmup_ratio",
              [](auto& job) { Train(job).mutable_schedule()->set_warmup_ratio(1); }},
        Fault{"train.augmentation.mix",
              [](auto& job) {
                Train(job).mutable_augmentation()->set_mix(v1::BATCH_MIX_MIXUP);
                Term(job).set_method(v1::DISTILLATION_METHOD_CRD);
              }},
        Fault{"resources.devices",
              [](auto& job) {
                job.mutable_resources()->set_devices(2);
                Term(job).set_method(v1::DISTILLATION_METHOD_CRD);
              }},
        Fault{"train.distillation.terms[0].method",  // the data set has two classes
              [](auto& job) { Term(job).set_method(v1::DISTILLATION_METHOD_DKD); }},
        Fault{"train.distillation.terms[0].standardize_logits",
              [](auto& job) {
                Kd(job).set_ensemble(v1::ENSEMBLE_MEAN_PROB);
                Term(job).set_standardize_logits(true);
              }},
        Fault{"train.optimizer.nesterov",
              [](auto& job) { Train(job).mutable_optimizer()->set_nesterov(false); }},
        Fault{"train.augmentation.crop_padding",
              [](auto& job) { Train(job).mutable_augmentation()->set_crop_padding(-1); }},
        Fault{"train.task_weight", [](auto& job) { Train(job).set_task_weight(-1); }},
        Fault{"train.task_weight",
              [](auto& job) {
                Train(job).clear_distillation();
                Train(job).set_task_weight(0.1);
              }},
        Fault{"train.distillation_warmup_epochs",
              [](auto& job) { Train(job).set_distillation_warmup_epochs(-1); }},
        Fault{"train.loss.label_smoothing",
              [](auto& job) { Train(job).mutable_loss()->set_label_smoothing(1); }},
        Fault{"train.loss.kind",
              [](auto& job) { Train(job).mutable_loss()->set_kind(v1::TaskLossKind(9)); }},
        Fault{"train.augmentation.flip_probability",
              [](auto& job) { Train(job).mutable_augmentation()->set_flip_probability(1.5); }},
        Fault{"train.augmentation.rand_augment_magnitude",
              [](auto& job) { Train(job).mutable_augmentation()->set_rand_augment_magnitude(3); }},
        Fault{"train.ema.decay", [](auto& job) { Train(job).mutable_ema()->set_decay(1); }},
        Fault{"train.rdrop.weight", [](auto& job) { Train(job).mutable_rdrop()->set_weight(-1); }},
        Fault{"train.initial_weights.file",
              [](auto& job) { Train(job).mutable_initial_weights()->set_file("/etc/passwd"); }},
        Fault{"train.initial_weights.job",
              [](auto& job) { Train(job).mutable_initial_weights()->set_job("nobody"); }},
        Fault{"train.initial_weights.pretrained",
              [](auto& job) { Train(job).mutable_initial_weights()->set_pretrained(true); }}));

INSTANTIATE_TEST_SUITE_P(
    Distilling, JobResolverFaultTest,
    ::testing::Values(
        Fault{"train.distillation.teachers", [](auto& job) { Kd(job).clear_teachers(); }},
        Fault{"train.distillation.teachers",
              [](auto& job) {
                for (int i = 0; i < 16; ++i) *Kd(job).add_teachers() = Kd(job).teachers(0);
              }},
        Fault{"train.distillation.ensemble",
              [](auto& job) { Kd(job).set_ensemble(static_cast<v1::Ensemble>(99)); }},
        Fault{"train.distillation.teachers[0].weight",
              [](auto& job) { Kd(job).mutable_teachers(0)->set_weight(0); }},
        Fault{"train.distillation.teachers[0].class_outputs",
              [](auto& job) { Kd(job).mutable_teachers(0)->add_class_outputs(1); }},
        Fault{"train.distillation.teachers[0].image_size",
              [](auto& job) { Kd(job).mutable_teachers(0)->set_image_size(96); }},
        Fault{"train.distillation.teachers[0].class_names",
              [](auto& job) { Kd(job).mutable_teachers(0)->add_class_names("crow"); }},
        Fault{"train.distillation.teachers[0].job",
              [](auto& job) { Kd(job).mutable_teachers(0)->set_job("nobody"); }},
        Fault{"train.distillation.teachers[0].model",
              [](auto& job) { Kd(job).mutable_teachers(0)->set_model("resnet18"); }},
        Fault{"train.distillation.terms", [](auto& job) { Kd(job).clear_terms(); }},
        Fault{"train.distillation.kd_ratio", [](auto& job) { Kd(job).set_kd_ratio(-0.1); }},
        Fault{"train.distillation.terms[0].method", [](auto& job) { Term(job).clear_method(); }},
        Fault{"train.distillation.terms[0].weight", [](auto& job) { Term(job).set_weight(-1); }},
        Fault{"train.distillation.terms[0].temperature",
              [](auto& job) { Term(job).set_temperature(0); }},
        Fault{"train.distillation.terms[0].blocks", [](auto& job) { Term(job).add_blocks(3); }},
        Fault{"train.distillation.terms[0].mgd_alpha",
              [](auto& job) { Term(job).set_mgd_alpha(1); }},
        Fault{"train.distillation.terms[0].form",
              [](auto& job) { Term(job).set_form(v1::LOSS_FORM_PAPER); }},
        Fault{"train.distillation.terms[0].standardize_logits",
              [](auto& job) {
                Term(job).set_method(v1::DISTILLATION_METHOD_PKT);
                Term(job).set_standardize_logits(true);
              }},
        Fault{"train.distillation.terms[0].rkd_angle",
              [](auto& job) {
                Term(job).set_method(v1::DISTILLATION_METHOD_RKD);
                Term(job).set_rkd_angle(-1);
              }},
        Fault{"train.distillation.terms[0].blocks[0]",
              [](auto& job) {
                Train(job).set_model("resnet20");  // its teacher has four blocks
                Term(job).set_method(v1::DISTILLATION_METHOD_SP);
                Term(job).add_blocks(4);
              }},
        Fault{"train.distillation.terms[0].blocks[1]", [](auto& job) {
                Term(job).set_method(v1::DISTILLATION_METHOD_SP);
                Term(job).add_blocks(2);
                Term(job).add_blocks(2);
              }}));

}  // namespace
}  // namespace distill::server
