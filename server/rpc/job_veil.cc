#include "server/rpc/job_veil.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace distill::server {
namespace {

constexpr char kStranger[] = "a job of another member";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Finds the next "job NUMBER" at or behind `from`; where the number begins, or npos.
size_t FindNumber(std::string_view sentence, size_t from) {
  constexpr std::string_view kWord = "job ";
  for (size_t at = sentence.find(kWord, from); at != std::string_view::npos;
       at = sentence.find(kWord, at + 1)) {
    const size_t number = at + kWord.size();
    const bool is_word = at == 0 || sentence[at - 1] == ' ' || sentence[at - 1] == '(';
    if (is_word && number < sentence.size() && IsDigit(sentence[number])) return number;
  }
  return std::string_view::npos;
}

}  // namespace

bool JobVeil::Hides(const std::string& job) {
  if (!hides_) return false;
  const auto [entry, is_new] = is_hidden_.try_emplace(job, true);
  if (!is_new) return entry->second;
  JobId id = 0;
  const auto read = std::from_chars(job.data(), job.data() + job.size(), id);
  if (read.ec != std::errc() || read.ptr != job.data() + job.size()) return true;
  const auto record = store_.FindJob(id);  // one that is gone was anybody's
  entry->second = !record.ok() || record->spec.owner != reader_;
  return entry->second;
}

void JobVeil::Cover(std::string& sentence) {
  if (!hides_) return;
  constexpr size_t kWordBytes = 4;  // of "job "
  for (size_t number = FindNumber(sentence, 0); number != std::string::npos;) {
    const auto end = std::find_if_not(sentence.begin() + static_cast<std::ptrdiff_t>(number),
                                      sentence.end(), IsDigit);
    const auto length = static_cast<size_t>(end - sentence.begin()) - number;
    size_t next = number + length;
    if (Hides(sentence.substr(number, length))) {
      sentence.replace(number - kWordBytes, kWordBytes + length, kStranger);
      next = number - kWordBytes + sizeof(kStranger) - 1;
    }
    number = FindNumber(sentence, next);
  }
}

void JobVeil::Cover(v1::Job& job) {
  if (!hides_) return;
  Cover(*job.mutable_message());
  for (v1::Attempt& attempt : *job.mutable_attempts()) Cover(*attempt.mutable_message());
  if (Hides(job.last_memory_peak().job()) && job.has_last_memory_peak()) {
    job.mutable_last_memory_peak()->clear_job();
  }
}

void JobVeil::Cover(v1::Waiting& waiting) {
  if (!hides_) return;
  Cover(*waiting.mutable_reason());
  auto& holders = *waiting.mutable_holders();
  holders.erase(std::remove_if(holders.begin(), holders.end(),
                               [&](const std::string& job) { return Hides(job); }),
                holders.end());
}

void JobVeil::Cover(v1::QueueEntry& entry) {
  if (!hides_) return;
  Cover(*entry.mutable_job());
  Cover(*entry.mutable_waiting());
}

void JobVeil::Cover(v1::ExplainJobResponse& answer) {
  if (!hides_) return;
  Cover(*answer.mutable_job());
  if (answer.has_waiting()) Cover(*answer.mutable_waiting());
  auto& holders = *answer.mutable_holders();
  holders.erase(std::remove_if(holders.begin(), holders.end(),
                               [&](const v1::Job& job) { return job.owner() != reader_; }),
                holders.end());
}

void JobVeil::Cover(v1::Device& device) const {
  if (!hides_) return;
  for (v1::DeviceJob& job : *device.mutable_jobs()) {
    if (job.owner() == reader_) continue;
    if (device.job() == job.id()) device.clear_job();
    v1::DeviceJob left;
    left.set_memory_used_bytes(job.memory_used_bytes());
    left.set_gpu_memory_bytes(job.gpu_memory_bytes());
    job = left;
  }
}

void JobVeil::Cover(v1::ListEvaluationsResponse& answer) {
  if (!hides_) return;
  auto& evaluations = *answer.mutable_evaluations();
  evaluations.erase(std::remove_if(evaluations.begin(), evaluations.end(),
                                   [&](const v1::Evaluation& evaluation) {
                                     return Hides(evaluation.eval_job().empty()
                                                      ? evaluation.model_job()
                                                      : evaluation.eval_job());
                                   }),
                    evaluations.end());
  for (v1::Evaluation& evaluation : evaluations) {
    if (Hides(evaluation.model_job())) evaluation.clear_model_job();
  }
}

Status JobVeil::Covered(const Status& status) {
  if (!hides_ || status.ok()) return status;
  std::string message = status.message();
  Cover(message);
  return {status.code(), message};
}

}  // namespace distill::server
