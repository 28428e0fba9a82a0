#include "server/rpc/job_messages.h"

namespace distill::server {
namespace {

void FillProgress(const JobProgress& from, v1::Progress& to) {
  to.set_epoch(from.epoch);
  to.set_num_epochs(from.num_epochs);
  to.set_step(from.step);
  to.set_steps_per_epoch(from.steps_per_epoch);
  to.set_images_per_second(from.images_per_second);
  to.set_eta_unix_ms(from.eta_unix_ms);
  to.set_phase(from.phase);
}

// What was asked; the bytes were checked when they were stored, so that a failure to parse leaves
// the fields unset and nothing worse.
void FillSpec(const JobSpec& spec, v1::Job& message) {
  if (!message.ParseFromString(spec.given)) message.Clear();
  v1::Job resolved;
  if (resolved.ParseFromString(spec.resolved)) {
    if (resolved.has_train()) *message.mutable_resolved_train() = resolved.train();
    if (resolved.has_eval()) *message.mutable_resolved_eval() = resolved.eval();
  }
  message.set_name(spec.name);
  message.set_owner(spec.owner);
  for (const JobId id : spec.depends_on) message.add_depends_on(std::to_string(id));
}

void FillHolder(const DeviceHolder& holder, const JobVeil& veil, v1::DeviceJob& to) {
  to.set_memory_used_bytes(holder.used_bytes);
  to.set_gpu_memory_bytes(holder.job.spec.gpu_memory_bytes);
  if (veil.HidesJobsOf(holder.job.spec.owner)) return;
  to.set_id(std::to_string(holder.job.id));
  to.set_name(holder.job.spec.name);
  to.set_owner(holder.job.spec.owner);
  to.set_state(static_cast<v1::JobState>(holder.job.state));
  FillProgress(holder.job.progress, *to.mutable_progress());
  to.set_stalled_since_unix_ms(holder.job.stalled_since_unix_ms);
  to.set_pid(holder.pid);
}

void FillWaiting(const QueueEntry& entry, JobVeil& veil, v1::Waiting& to) {
  const WaitingReason& waiting = entry.waiting;
  to.set_rule(static_cast<v1::WaitingRule>(waiting.rule));
  to.set_reason(veil.Print(waiting.reason));
  to.set_blocked(waiting.is_blocked);
  to.set_place(waiting.place);
  for (const JobId holder : waiting.holders) {
    if (!veil.Hides(holder)) to.add_holders(std::to_string(holder));
  }
  to.set_expected_start_unix_ms(entry.expected_start_unix_ms);
}

}  // namespace

v1::Job ToMessage(const JobRecord& job, JobVeil& veil) {
  v1::Job message;
  FillSpec(job.spec, message);
  message.set_id(std::to_string(job.id));
  message.set_state(static_cast<v1::JobState>(job.state));
  message.set_cause(static_cast<v1::Cause>(job.cause));
  message.set_message(veil.Print(job.message));
  message.set_actor(job.actor);
  message.set_created_at_unix_ms(job.created_at_unix_ms);
  message.set_started_at_unix_ms(job.started_at_unix_ms);
  message.set_finished_at_unix_ms(job.finished_at_unix_ms);
  message.set_stalled_since_unix_ms(job.stalled_since_unix_ms);
  *message.mutable_devices() = {job.devices.begin(), job.devices.end()};
  FillProgress(job.progress, *message.mutable_progress());
  if (message.progress().num_epochs() == 0) {
    message.mutable_progress()->set_num_epochs(job.spec.num_epochs);
  }
  message.mutable_latest_metrics()->insert(job.latest_metrics.begin(), job.latest_metrics.end());
  message.mutable_best_metrics()->insert(job.best_metrics.begin(), job.best_metrics.end());
  return message;
}

v1::Attempt ToMessage(const AttemptRecord& attempt, JobVeil& veil) {
  v1::Attempt message;
  message.set_number(attempt.number);
  message.set_state(static_cast<v1::JobState>(attempt.state));
  message.set_cause(static_cast<v1::Cause>(attempt.cause));
  message.set_message(veil.Print(attempt.message));
  if (!attempt.devices.empty()) message.set_device(attempt.devices.front());
  *message.mutable_devices() = {attempt.devices.begin(), attempt.devices.end()};
  message.set_started_at_unix_ms(attempt.started_at_unix_ms);
  message.set_finished_at_unix_ms(attempt.finished_at_unix_ms);
  message.set_pid(attempt.pid);
  message.set_resumed_from_epoch(attempt.resumed_from_epoch);
  return message;
}

v1::JobEvent ToMessage(const JobEventRecord& event, JobVeil& veil) {
  v1::JobEvent message;
  message.set_id(event.id);
  message.set_job(std::to_string(event.job));
  message.set_at_unix_ms(event.at_unix_ms);
  if (event.from) message.set_from_state(static_cast<v1::JobState>(*event.from));
  message.set_to_state(static_cast<v1::JobState>(event.transition.to));
  message.set_cause(static_cast<v1::Cause>(event.transition.cause));
  message.set_actor(event.transition.actor);
  message.set_message(veil.Print(event.transition.message));
  message.set_level(static_cast<v1::EventLevel>(event.level));
  return message;
}

v1::Artifact ToMessage(const ArtifactRecord& artifact) {
  v1::Artifact message;
  message.set_name(artifact.name);
  message.set_attempt(artifact.attempt);
  message.set_size_bytes(artifact.size_bytes);
  message.set_sha256(artifact.sha256);
  message.set_kind(artifact.kind);
  message.set_created_at_unix_ms(artifact.created_at_unix_ms);
  return message;
}

v1::Device ToMessage(const DeviceUse& use, const JobVeil& veil) {
  v1::Device message;
  const DeviceInfo& device = use.device;
  message.set_id(device.id);
  message.set_index(device.index);
  message.set_name(device.name);
  message.set_pci_bus_id(device.pci_bus_id);
  message.set_memory_total_bytes(device.memory_total_bytes);
  message.set_memory_used_bytes(device.memory_used_bytes);
  message.set_utilization_percent(device.utilization_percent);
  message.set_temperature_celsius(device.temperature_celsius);
  message.set_closed_because(device.closed_because);
  message.set_foreign_memory_bytes(device.foreign_memory_bytes);
  for (const DeviceHolder& holder : use.holders) FillHolder(holder, veil, *message.add_jobs());
  if (!use.holders.empty()) message.set_job(message.jobs(0).id());
  for (const DeviceProcess& process : use.outsiders) {
    v1::DeviceProcess& outsider = *message.add_outsiders();
    outsider.set_pid(process.pid);
    outsider.set_user(process.user);
    outsider.set_program(process.program);
    outsider.set_memory_bytes(process.memory_bytes);
  }
  return message;
}

v1::QueueEntry ToMessage(const QueueEntry& entry, JobVeil& veil) {
  v1::QueueEntry message;
  *message.mutable_job() = ToMessage(entry.job, veil);
  FillWaiting(entry, veil, *message.mutable_waiting());
  return message;
}

v1::ExplainJobResponse ToMessage(const JobExplanation& explanation, JobVeil& veil) {
  v1::ExplainJobResponse message;
  *message.mutable_job() = ToMessage(explanation.entry.job, veil);
  message.set_queue_length(explanation.queue_length);
  if (!explanation.is_waiting) return message;
  FillWaiting(explanation.entry, veil, *message.mutable_waiting());
  for (const JobRecord& holder : explanation.holders) {
    if (!veil.HidesJobsOf(holder.spec.owner)) *message.add_holders() = ToMessage(holder, veil);
  }
  return message;
}

v1::MemoryPeak ToMessage(const MemoryPeak& peak, JobVeil& veil) {
  v1::MemoryPeak message;
  if (!veil.Hides(peak.job)) message.set_job(std::to_string(peak.job));
  message.set_bytes(peak.bytes);
  return message;
}

v1::Evaluation ToMessage(const EvaluationRecord& evaluation, bool is_full, JobVeil& veil) {
  v1::Evaluation message;
  if (!message.ParseFromString(evaluation.payload)) message.Clear();
  if (!is_full) {
    message.clear_classes();
    message.clear_confusion();
  }
  message.set_eval_job(evaluation.eval_job != 0 ? std::to_string(evaluation.eval_job) : "");
  const bool names_model = evaluation.model_job != 0 && !veil.Hides(evaluation.model_job);
  message.set_model_job(names_model ? std::to_string(evaluation.model_job) : "");
  message.mutable_pass()->set_split(static_cast<v1::Split>(evaluation.split));
  message.mutable_pass()->set_tta(evaluation.tta);
  message.set_finished_at_unix_ms(evaluation.finished_at_unix_ms);
  return message;
}

v1::ListMetricsResponse ToMessage(const MetricPage& page) {
  v1::ListMetricsResponse response;
  v1::MetricSeries* series = nullptr;
  for (const MetricPoint& point : page.points) {
    if (series == nullptr || series->name() != point.name) {
      series = response.add_series();
      series->set_name(point.name);
    }
    v1::MetricPoint& added = *series->add_points();
    added.set_epoch(point.epoch);
    added.set_step(point.step);
    added.set_value(point.value);
    added.set_at_unix_ms(point.at_unix_ms);
    added.set_attempt(point.attempt);
  }
  response.set_cursor(page.cursor);
  return response;
}

}  // namespace distill::server
