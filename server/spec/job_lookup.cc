#include "server/spec/job_lookup.h"

#include "server/spec/dataset_facts.h"
#include "server/spec/job_reference.h"
#include "server/spec/job_resolver.h"

namespace distill::server {
namespace {

constexpr const char* kNoSuchJob =
    "no such job; name one that exists (distillctl ls), or one that comes earlier in the same file";

// Whether a failure says that what was asked for is not there, not that the store is in trouble.
bool IsAbsence(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kInvalidArgument;
}

}  // namespace

void JobLookup::AddEarlier(const v1::Job& resolved) { earlier_.push_back(resolved); }

void JobLookup::Keep(const Status& status) {
  if (status_.ok()) status_ = status;
}

std::optional<ReferredJob> JobLookup::FindEarlier(const std::string& reference) const {
  for (size_t i = 0; i < earlier_.size(); ++i) {
    const v1::Job& job = earlier_[i];
    if (job.name() == reference) {
      return ReferredJob{-static_cast<JobId>(i) - 1, job.name(), job.train()};
    }
  }
  return std::nullopt;
}

std::optional<ReferredJob> JobLookup::FindTraining(const std::string& field,
                                                   const std::string& reference,
                                                   ViolationList& violations) {
  std::optional<ReferredJob> found = FindEarlier(reference);
  if (!found) {
    Result<JobRecord> record = FindVisible(reference);
    if (!record.ok()) {
      if (!IsAbsence(record.status())) Keep(record.status());
      violations.Add(field, reference, kNoSuchJob);
      return std::nullopt;
    }
    Result<v1::Job> resolved = ResolvedRequest(record->spec);
    if (!resolved.ok()) {
      Keep(resolved.status());
      return std::nullopt;
    }
    found = ReferredJob{record->id, std::to_string(record->id), resolved->train()};
  }
  if (found->train.model().empty()) {
    violations.Add(field, reference, "is an evaluation; name a training job");
    return std::nullopt;
  }
  return found;
}

Result<JobRecord> JobLookup::FindVisible(const std::string& reference) const {
  DISTILL_ASSIGN_OR_RETURN(JobRecord record, FindJobRecord(store_, reference, caller_.name));
  if (!caller_.sees_only_own_jobs || record.spec.owner == caller_.name) return record;
  return Status(Code::kNotFound, "no job: " + reference);
}

std::optional<JobId> JobLookup::FindAny(const std::string& field, std::string& reference,
                                        ViolationList& violations) {
  if (const auto earlier = FindEarlier(reference)) return earlier->id;
  const Result<JobRecord> record = FindVisible(reference);
  if (!record.ok()) {
    if (!IsAbsence(record.status())) Keep(record.status());
    violations.Add(field, reference, kNoSuchJob);
    return std::nullopt;
  }
  reference = std::to_string(record->id);
  return record->id;
}

std::string JobLookup::DatasetNames() {
  const Result<std::vector<DatasetRecord>> all = store_.ListDatasets();
  std::string names;
  if (!all.ok()) return names;
  for (const DatasetRecord& dataset : *all) names += (names.empty() ? "" : ", ") + dataset.name;
  return names.empty() ? "none yet" : names;
}

std::optional<worker::v1::ScanReport> JobLookup::FindReadyDataset(const std::string& field,
                                                                  const std::string& name,
                                                                  ViolationList& violations) {
  if (name.empty()) {
    violations.Add(field, "", "name a data set; there are: " + DatasetNames());
    return std::nullopt;
  }
  Result<DatasetRecord> record = store_.FindDataset(name);
  if (!record.ok()) {
    if (!IsAbsence(record.status())) Keep(record.status());
    violations.Add(
        field, name,
        "no such data set (add it: distillctl dataset add); there are: " + DatasetNames());
    return std::nullopt;
  }
  if (record->state == DatasetState::kScanning) {
    violations.Add(field, name, "is still being scanned; submit again when it is READY");
    return std::nullopt;
  }
  if (record->state == DatasetState::kFailed) {
    violations.Add(field, name,
                   "could not be read (" + record->message + "); mend its files and add it again");
    return std::nullopt;
  }
  Result<worker::v1::ScanReport> report = ScanReportOf(*record);
  if (!report.ok()) {
    Keep(report.status());
    return std::nullopt;
  }
  return std::move(report).value();
}

ClassNames JobLookup::ClassesOf(const std::string& dataset) {
  const Result<DatasetRecord> record = store_.FindDataset(dataset);
  if (!record.ok()) return {};
  const Result<worker::v1::ScanReport> report = ScanReportOf(*record);
  return report.ok() ? report->class_names() : ClassNames();
}

}  // namespace distill::server
