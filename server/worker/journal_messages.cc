#include "server/worker/journal_messages.h"

#include <charconv>
#include <map>

#include "distill/worker/v1/worker.pb.h"

namespace distill::server {
namespace {

namespace wire = distill::worker::v1;

std::map<std::string, double> Metrics(const google::protobuf::Map<std::string, double>& metrics) {
  return {metrics.begin(), metrics.end()};
}

// Returns the number in `id`, or 0 where there is none (a file has no job).
int64_t ToId(const std::string& id) {
  int64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  return number;
}

WorkerStarted ToDomain(const wire::Started& started) {
  return {started.resumed_from_epoch(), started.num_epochs(), started.steps_per_epoch()};
}

StepProgress ToDomain(const wire::StepProgress& step) {
  StepProgress progress;
  progress.progress.epoch = step.epoch();
  progress.progress.step = step.step();
  progress.progress.steps_per_epoch = step.steps_per_epoch();
  progress.progress.images_per_second = step.images_per_second();
  progress.progress.phase = step.phase();
  progress.metrics = Metrics(step.metrics());
  return progress;
}

EpochEnd ToDomain(const wire::EpochEnd& epoch) {
  return {epoch.epoch(), epoch.step(), Metrics(epoch.metrics()), epoch.is_best(),
          epoch.images_per_second()};
}

ArtifactRecord ToDomain(const wire::ArtifactWritten& written) {
  const distill::v1::Artifact& artifact = written.artifact();
  return {artifact.name(),   artifact.attempt(), artifact.size_bytes(),
          artifact.sha256(), artifact.kind(),    artifact.created_at_unix_ms()};
}

EvaluationRecord ToDomain(const distill::v1::Evaluation& evaluation) {
  EvaluationRecord record;
  record.eval_job = ToId(evaluation.eval_job());
  record.model_job = ToId(evaluation.model_job());
  record.split = static_cast<int>(evaluation.pass().split());
  record.tta = evaluation.pass().tta();
  record.finished_at_unix_ms = evaluation.finished_at_unix_ms();
  record.payload = evaluation.SerializeAsString();
  return record;
}

// A state that is no end, or a cause that this version does not know, is our own fault or a newer
// worker's: the job failed all the same.
WorkerNotice ToDomain(const wire::Notice& notice) {
  const bool is_warning = notice.level() == wire::NOTICE_LEVEL_WARNING;
  return {notice.message(), is_warning ? EventLevel::kWarning : EventLevel::kInformation};
}

WorkerOutcome ToDomain(const wire::Outcome& outcome) {
  WorkerOutcome result{JobState::kFailed, Cause::kInternal, outcome.message()};
  if (distill::v1::JobState_IsValid(outcome.state())) {
    const auto state = static_cast<JobState>(outcome.state());
    if (IsTerminal(state)) result.state = state;
  }
  if (distill::v1::Cause_IsValid(outcome.cause())) {
    result.cause = static_cast<Cause>(outcome.cause());
  }
  return result;
}

}  // namespace

Result<RunEvent> ParseRunEvent(const std::string& payload) {
  wire::RunEvent message;
  if (!message.ParseFromString(payload)) {
    return Status(Code::kInvalidArgument, "a frame of the journal is no event");
  }
  RunEvent event;
  event.sequence = message.sequence();
  event.at_unix_ms = message.at_unix_ms();
  switch (message.event_case()) {
    case wire::RunEvent::kStarted:
      event.event = ToDomain(message.started());
      break;
    case wire::RunEvent::kStep:
      event.event = ToDomain(message.step());
      break;
    case wire::RunEvent::kEpoch:
      event.event = ToDomain(message.epoch());
      break;
    case wire::RunEvent::kArtifact:
      event.event = ToDomain(message.artifact());
      break;
    case wire::RunEvent::kEvaluation:
      event.event = ToDomain(message.evaluation());
      break;
    case wire::RunEvent::kScanProgress:
      event.event = ScanProgress{message.scan_progress().files_scanned(),
                                 message.scan_progress().files_total()};
      break;
    case wire::RunEvent::kScanReport:
      event.event = ScanFinished{message.scan_report().SerializeAsString()};
      break;
    case wire::RunEvent::kNotice:
      event.event = ToDomain(message.notice());
      break;
    case wire::RunEvent::kOutcome:
      event.event = ToDomain(message.outcome());
      break;
    case wire::RunEvent::EVENT_NOT_SET:
      break;
  }
  return event;
}

}  // namespace distill::server
