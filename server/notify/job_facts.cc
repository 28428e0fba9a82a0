#include "server/notify/job_facts.h"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

namespace distill::server {
namespace {

using Json = nlohmann::ordered_json;

Json TimeOrNull(int64_t unix_ms) {
  if (unix_ms == 0) return nullptr;
  constexpr int64_t kMillisPerSecond = 1000;
  const std::time_t seconds = unix_ms / kMillisPerSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text.data(), size);
}

Json TextOrNull(std::string_view text) {
  if (text.empty()) return nullptr;
  return std::string(text);
}

}  // namespace

std::string JobFactsJson(const JobRecord& job, std::optional<JobState> from, int64_t at_unix_ms) {
  Json facts;
  facts["id"] = std::to_string(job.id);
  facts["name"] = job.spec.name;
  facts["owner"] = job.spec.owner;
  facts["kind"] = job.spec.kind == JobKind::kTrain ? "train" : "eval";
  facts["model"] = job.spec.model;
  facts["dataset"] = job.spec.dataset;
  facts["labels"] = Json::object();
  for (const auto& [name, value] : job.spec.labels) facts["labels"][name] = value;
  facts["priority"] = job.spec.priority;
  facts["attempts"] = job.num_attempts;
  facts["device"] = TextOrNull(job.devices.empty() ? "" : job.devices.front());
  facts["devices"] = job.devices;
  facts["created_at"] = TimeOrNull(job.created_at_unix_ms);
  facts["started_at"] = TimeOrNull(job.started_at_unix_ms);
  facts["finished_at"] = TimeOrNull(job.finished_at_unix_ms);
  Json json;
  json["event"] = "job_state";
  json["at"] = TimeOrNull(at_unix_ms);
  json["job"] = std::move(facts);
  json["from"] = from ? TextOrNull(StateName(*from)) : Json(nullptr);
  json["to"] = StateName(job.state);
  json["cause"] = TextOrNull(CauseName(job.cause));
  json["actor"] = job.actor;
  json["message"] = job.message.Plain();
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + '\n';
}

}  // namespace distill::server
