#include "client/command_line/flag_tables.h"

namespace distill::client {
namespace {

FlagGroup DataGroup() {
  return {
      "Data and model",
      {{"--dataset", "train.dataset", "NAME", "a registered data set (distillctl dataset ls)"},
       {"--model,--model_name", "train.model", "NAME", "architecture, e.g. mobilenetv2"},
       {"--image-size,--image_size", "train.input.image_size", "PIXELS",
        "default 224, of the networks for 32x32 pictures 32"},
       {"--normalization", "train.input.normalization", "KIND",
        "dataset (default), imagenet or explicit"},
       {"--mean", "train.input.mean", "R,G,B", "with --normalization explicit"},
       {"--std", "train.input.std", "R,G,B", "with --normalization explicit"},
       {"--data-threads,--workers", "train.data_threads", "N", "threads that decode and augment"}}};
}

FlagGroup AugmentationGroup() {
  return {
      "Augmentation",
      {{"--augment,--Augment", "train.augmentation.policy", "POLICY",
        "none, rand-augment, auto-augment, trivial-augment-wide or aug-mix"},
       {"--mixup,--mix", "train.augmentation.mix", "KIND", "none, mixup or cutmix"},
       {"--mix-probability", "train.augmentation.mix_probability", "P", "per batch; default 0.5"},
       {"--mix-alpha", "train.augmentation.mix_alpha", "A", "lambda ~ Beta(A, A); default 1"},
       {"--flip", "train.augmentation.flip_probability", "P", "horizontal flip; default 0"},
       {"--crop-padding", "train.augmentation.crop_padding", "PIXELS",
        "crop from the picture with a border of so many pixels; default 0 = from an enlarged one"},
       {"--cutout", "train.augmentation.cutout_holes", "HOLES", "default 0"},
       {"--cutout-length", "train.augmentation.cutout_length", "PIXELS", "default 16"},
       {"--randaugment-operations", "train.augmentation.rand_augment_operations", "N", "default 2"},
       {"--randaugment-magnitude", "train.augmentation.rand_augment_magnitude", "N",
        "0 to 30; default 9"}}};
}

FlagGroup LossGroup() {
  return {
      "Loss",
      {{"--loss", "train.loss.kind", "KIND", "cross-entropy (default), poly or focal"},
       {"--label-smoothing,--label_smoothing", "train.loss.label_smoothing", "E", "default 0.1"},
       {"--class-balance,--class_balance", "train.loss.class_balance", "",
        "weigh classes by their rarity"},
       {"--poly-epsilon", "train.loss.poly_epsilon", "E", "default 2"},
       {"--focal-gamma", "train.loss.focal_gamma", "G", "default 2"},
       {"--task-weight", "train.task_weight", "W", "beside --kd; default 1"},
       {"--kd-warmup", "train.distillation_warmup_epochs", "EPOCHS",
        "in which the terms' weights rise to their values; default 0"},
       {"--rdrop-weight", "train.rdrop.weight", "W", "switches R-Drop on; default 0.3"},
       {"--rdrop-reduction", "train.rdrop.reduction", "KIND", "sum (default) or batch-mean"}}};
}

FlagGroup OptimizerGroup() {
  return {"Optimiser and schedule",
          {{"--optimizer", "train.optimizer.kind", "KIND", "adamw (default), sgd or rmsprop"},
           {"--lr", "train.optimizer.learning_rate", "LR", "default 1e-3"},
           {"--weight-decay,--weight_decay", "train.optimizer.weight_decay", "W", "default 5e-4"},
           {"--momentum", "train.optimizer.momentum", "M", "default 0.9"},
           {"--nesterov", "train.optimizer.nesterov", "BOOL",
            "Nesterov's momentum, of sgd; default true"},
           {"--decay-all", "train.optimizer.decay_all", "", "weight decay on biases and norms too"},
           {"--schedule", "train.schedule.kind", "KIND",
            "cosine (default), step, polynomial, constant or reference-cosine"},
           {"--warmup", "train.schedule.warmup", "", "start with a rising learning rate"},
           {"--warmup-ratios,--warmup_ratios", "train.schedule.warmup_ratio", "R",
            "share of the epochs; default 0.05"},
           {"--warmup-minlr,--warmup_minlr", "train.schedule.min_learning_rate", "LR",
            "first and lowest rate; default 1e-6, or --lr where that is lower"},
           {"--step-epochs", "train.schedule.step_epochs", "N", "default 5"},
           {"--milestones", "train.schedule.milestones", "N,N,...",
            "epochs after which the rate falls, instead of --step-epochs"},
           {"--step-factor", "train.schedule.step_factor", "F", "default 0.8"},
           {"--polynomial-power", "train.schedule.polynomial_power", "P", "default 1"},
           {"--ema-decay", "train.ema.decay", "D", "switches EMA on; default 0.9999"},
           {"--ema-ramp", "train.ema.ramp_steps", "STEPS", "switches EMA on; default 2000"}}};
}

FlagGroup RunGroup() {
  return {
      "Run",
      {{"--epochs,--epoch", "train.epochs", "N", "default 100"},
       {"--batch-size,--batch_size", "train.batch_size", "N", "default 64"},
       {"--devices", "resources.devices", "N",
        "devices of one kind, each with a share of every batch; default 1"},
       {"--amp", "train.amp", "", "mixed precision"},
       {"--amp-type", "train.amp_type", "TYPE",
        "of --amp: auto (default), bfloat16, or float16 with loss scaling"},
       {"--clip-norm", "train.gradient_clip_norm", "NORM", "default 0 = off"},
       {"--metric,--metrice", "train.selection_metric", "METRIC",
        "picks the best checkpoint: val-accuracy (default, acc), val-mpa (mean_acc) or val-loss"},
       {"--patience", "train.patience", "EPOCHS", "early stop; default 30, 0 = never"},
       {"--seed", "train.seed", "N", "default 0"},
       {"--test-tta,--test_tta", "train.validate_with_tta", "", "validate with ten crops"}}};
}

}  // namespace

FlagGroup JobFlagGroup() {
  return {
      "Job",
      {{"--name", "name", "NAME", "name of the job (default: made by the server)"},
       {"--priority", "priority", "N", "-100 to 100; higher starts first"},
       {"--device", "resources.device", "DEVICE", "cpu, or a GPU by index or UUID (default: any)"},
       {"--threads", "resources.threads", "N", "intra-op threads (default: the server's choice)"},
       {"--group", "group", "NAME", "jobs that belong together (ls, cancel, pause: --group)"},
       {"--max-parallel", "max_parallel", "N", "jobs of the group that may run at a time"},
       {"--max-device-errors", "retry.max_device_errors", "N",
        "how often it starts again after an error of its device (default 1)"},
       {"--max-preemptions", "retry.max_preemptions", "N",
        "how often it makes room for a job of higher priority (default 10)"},
       {"--max-interruptions", "retry.max_interruptions", "N",
        "how often it is resumed by itself after an interruption (default 3)"}}};
}

std::vector<FlagGroup> TrainFlagGroups() {
  return {DataGroup(), AugmentationGroup(), LossGroup(), OptimizerGroup(), RunGroup()};
}

std::vector<FlagGroup> EvalFlagGroups() {
  return {{"Evaluation",
           {{"--model", "eval.model", "NAME", "architecture of --weights"},
            {"--dataset", "eval.dataset", "NAME", "default: the job's"},
            {"--checkpoint", "eval.checkpoint", "KIND", "best (default) or last"},
            {"--image-size,--image_size", "eval.input.image_size", "PIXELS", "default: the job's"},
            {"--normalization", "eval.input.normalization", "KIND", "dataset, imagenet, explicit"},
            {"--mean", "eval.input.mean", "R,G,B", "with --normalization explicit"},
            {"--std", "eval.input.std", "R,G,B", "with --normalization explicit"},
            {"--batch-size,--batch_size", "eval.batch_size", "N", "default 64"},
            {"--amp", "eval.amp", "", "mixed precision"},
            {"--data-threads,--workers", "eval.data_threads", "N", "threads that decode"}}}};
}

}  // namespace distill::client
