#include <toml++/toml.h>

#include <functional>
#include <limits>
#include <map>
#include <sstream>

#include "core/base/plain_text.h"
#include "server/app/config.h"
#include "server/app/toml_text.h"

namespace distill::server {
namespace {

using Reader = std::function<bool(const toml::node&)>;  // false: wrong type

Reader Text(std::string& target) {
  return [&target](const toml::node& node) {
    if (!node.is_string()) return false;
    target = node.as_string()->get();
    return true;
  };
}

Reader Path(std::filesystem::path& target) {
  return [&target](const toml::node& node) {
    if (!node.is_string()) return false;
    target = node.as_string()->get();
    return true;
  };
}

Reader Texts(std::vector<std::string>& target) {
  return [&target](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) return false;
    target.clear();
    for (const toml::node& entry : *list) {
      if (!entry.is_string()) return false;
      target.push_back(entry.as_string()->get());
    }
    return true;
  };
}

template <typename Number>
Reader Whole(Number& target) {
  return [&target](const toml::node& node) {
    if (!node.is_integer()) return false;
    const int64_t value = node.as_integer()->get();
    if (value < std::numeric_limits<Number>::min() || value > std::numeric_limits<Number>::max()) {
      return false;
    }
    target = static_cast<Number>(value);
    return true;
  };
}

Reader Flag(bool& target) {
  return [&target](const toml::node& node) {
    if (!node.is_boolean()) return false;
    target = node.as_boolean()->get();
    return true;
  };
}

Status ReadUserGroup(const toml::table& table, UserGroup& group) {
  for (const auto& [key, node] : table) {
    bool is_right = false;
    if (key.str() == "name") is_right = Text(group.name)(node);
    if (key.str() == "users") is_right = Texts(group.users)(node);
    if (key.str() == "max_running_jobs") is_right = Whole(group.max_running_jobs)(node);
    if (key.str() == "max_devices") is_right = Whole(group.max_devices)(node);
    if (!is_right) return {Code::kInvalidArgument, std::string(key.str())};
  }
  return {};
}

Reader UserGroups(std::vector<UserGroup>& target) {
  return [&target](const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) return false;
    target.clear();
    for (const toml::node& entry : *list) {
      if (!entry.is_table()) return false;
      if (!ReadUserGroup(*entry.as_table(), target.emplace_back()).ok()) return false;
    }
    return true;
  };
}

struct Key {
  Reader read;
  const char* expected;
};

constexpr const char* kWhole = "a whole number";

std::map<std::string, Key, std::less<>> KeysOf(Config& config) {
  return {
      {"listen", {Text(config.listen), "a string"}},
      {"tls_certificate", {Path(config.tls_certificate), "a string"}},
      {"tls_key", {Path(config.tls_key), "a string"}},
      {"tls_client_ca", {Path(config.tls_client_ca), "a string"}},
      {"private_jobs", {Flag(config.private_jobs), "true or false"}},
      {"audit_keep_days", {Whole(config.audit_keep_days), kWhole}},
      {"worker_user", {Text(config.worker_user), "a string"}},
      {"state_dir", {Path(config.state_dir), "a string"}},
      {"dataset_roots", {Texts(config.dataset_roots), "a list of strings"}},
      {"weights_roots", {Texts(config.weights_roots), "a list of strings"}},
      {"weights_dir", {Path(config.weights_dir), "a string"}},
      {"allow_torchscript", {Flag(config.allow_torchscript), "true or false"}},
      {"worker_executable", {Path(config.worker_executable), "a string"}},
      {"devices", {Texts(config.devices), "a list of strings"}},
      {"cpu_devices", {Whole(config.cpu_devices), kWhole}},
      {"nvml_library", {Text(config.nvml_library), "a string"}},
      {"worker_threads", {Whole(config.worker_threads), kWhole}},
      {"max_queued_jobs", {Whole(config.max_queued_jobs), kWhole}},
      {"max_queued_jobs_per_user", {Whole(config.max_queued_jobs_per_user), kWhole}},
      {"max_submits_per_minute", {Whole(config.max_submits_per_minute), kWhole}},
      {"max_disk_bytes_per_user", {Whole(config.max_disk_bytes_per_user), kWhole}},
      {"max_streams", {Whole(config.max_streams), kWhole}},
      {"max_streams_per_user", {Whole(config.max_streams_per_user), kWhole}},
      {"max_log_bytes", {Whole(config.max_log_bytes), kWhole}},
      {"max_artifact_bytes", {Whole(config.max_artifact_bytes), kWhole}},
      {"fair_share_half_life_hours", {Whole(config.fair_share_half_life_hours), kWhole}},
      {"ageing_minutes", {Whole(config.ageing_minutes), kWhole}},
      {"max_running_jobs_per_user", {Whole(config.max_running_jobs_per_user), kWhole}},
      {"max_devices_per_user", {Whole(config.max_devices_per_user), kWhole}},
      {"user_groups",
       {UserGroups(config.user_groups),
        "a list of {name = \"\", users = [], max_running_jobs = 0, max_devices = 0}"}},
      {"gpu_overhead_mib", {Whole(config.gpu_overhead_mib), kWhole}},
      {"preemption", {Flag(config.preemption), "true or false"}},
      {"preemption_margin", {Whole(config.preemption_margin), kWhole}},
      {"preemption_min_run_minutes", {Whole(config.preemption_min_run_minutes), kWhole}},
      {"max_message_bytes", {Whole(config.max_message_bytes), kWhole}},
      {"worker_stop_grace_seconds", {Whole(config.worker_stop_grace_seconds), kWhole}},
      {"worker_stalled_after_seconds", {Whole(config.worker_stalled_after_seconds), kWhole}},
      {"retention_checkpoint_days", {Whole(config.retention_checkpoint_days), kWhole}},
      {"retention_log_days", {Whole(config.retention_log_days), kWhole}},
      {"retention_max_gib", {Whole(config.retention_max_gib), kWhole}},
      {"retention_removes_models", {Flag(config.retention_removes_models), "true or false"}},
      {"min_free_disk_mib", {Whole(config.min_free_disk_mib), kWhole}},
      {"log_level", {Text(config.log_level), "a string"}},
      {"log_file", {Path(config.log_file), "a string"}},
      {"reflection", {Flag(config.reflection), "true or false"}},
      {"notify_states", {Texts(config.notify_states), "a list of strings"}},
      {"hook_program", {Path(config.hook_program), "a string"}},
      {"hook_timeout_seconds", {Whole(config.hook_timeout_seconds), kWhole}},
      {"webhook_url", {Text(config.webhook_url), "a string"}},
      {"webhook_timeout_seconds", {Whole(config.webhook_timeout_seconds), kWhole}},
      {"metrics_listen", {Text(config.metrics_listen), "a string"}},
  };
}

std::string Where(const std::string& name, const toml::source_region& region) {
  return name + ":" + std::to_string(region.begin.line) + ": ";
}

template <typename Range>
toml::array ArrayOf(const Range& values) {
  toml::array array;
  for (const std::string& value : values) array.push_back(value);
  return array;
}

toml::array ArrayOf(const std::vector<UserGroup>& groups) {
  toml::array array;
  for (const UserGroup& group : groups) {
    array.push_back(toml::table{{"name", group.name},
                                {"users", ArrayOf(group.users)},
                                {"max_running_jobs", group.max_running_jobs},
                                {"max_devices", group.max_devices}});
  }
  return array;
}

void InsertScheduling(const Config& config, toml::table& table) {
  table.insert("fair_share_half_life_hours", config.fair_share_half_life_hours);
  table.insert("ageing_minutes", config.ageing_minutes);
  table.insert("max_running_jobs_per_user", config.max_running_jobs_per_user);
  table.insert("max_devices_per_user", config.max_devices_per_user);
  table.insert("user_groups", ArrayOf(config.user_groups));
  table.insert("gpu_overhead_mib", config.gpu_overhead_mib);
  table.insert("preemption", config.preemption);
  table.insert("preemption_margin", config.preemption_margin);
  table.insert("preemption_min_run_minutes", config.preemption_min_run_minutes);
}

}  // namespace

Status ReadToml(const std::string& toml, const std::string& name, Config& config) {
  auto wrong_line = FirstLineThatIsNoText(toml);
  if (!wrong_line) wrong_line = FirstLineWithBareUnicode(toml);
  if (wrong_line) {
    return {Code::kFailedPrecondition,
            name + ":" + std::to_string(*wrong_line) +
                ": not text in UTF-8, or a character beyond ASCII outside of quotes"};
  }
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& error) {
    return {Code::kFailedPrecondition,
            Where(name, error.source()) + std::string(error.description())};
  }
  const auto keys = KeysOf(config);
  std::string faults;
  for (const auto& [key, node] : table) {
    const auto known = keys.find(std::string(key.str()));
    std::string fault;
    if (known == keys.end()) {
      fault = "unknown key: ";
    } else if (!known->second.read(node)) {
      fault = std::string("must be ") + known->second.expected + ": ";
    }
    if (fault.empty()) continue;
    faults +=
        (faults.empty() ? "" : "\n") + Where(name, node.source()) + fault + std::string(key.str());
  }
  if (faults.empty()) return {};
  return {Code::kFailedPrecondition, faults};
}

std::string ToToml(const Config& config) {
  toml::table table;
  table.insert("listen", config.listen);
  table.insert("tls_certificate", config.tls_certificate.string());
  table.insert("tls_key", config.tls_key.string());
  table.insert("tls_client_ca", config.tls_client_ca.string());
  table.insert("private_jobs", config.private_jobs);
  table.insert("audit_keep_days", config.audit_keep_days);
  table.insert("worker_user", config.worker_user);
  table.insert("state_dir", config.state_dir.string());
  table.insert("dataset_roots", ArrayOf(config.dataset_roots));
  table.insert("weights_roots", ArrayOf(config.weights_roots));
  table.insert("weights_dir", config.weights_dir.string());
  table.insert("allow_torchscript", config.allow_torchscript);
  table.insert("worker_executable", config.worker_executable.string());
  table.insert("devices", ArrayOf(config.devices));
  table.insert("cpu_devices", config.cpu_devices);
  table.insert("nvml_library", config.nvml_library);
  table.insert("worker_threads", config.worker_threads);
  table.insert("max_queued_jobs", config.max_queued_jobs);
  table.insert("max_queued_jobs_per_user", config.max_queued_jobs_per_user);
  table.insert("max_submits_per_minute", config.max_submits_per_minute);
  table.insert("max_disk_bytes_per_user", config.max_disk_bytes_per_user);
  table.insert("max_streams", config.max_streams);
  table.insert("max_streams_per_user", config.max_streams_per_user);
  table.insert("max_log_bytes", config.max_log_bytes);
  table.insert("max_artifact_bytes", config.max_artifact_bytes);
  InsertScheduling(config, table);
  table.insert("max_message_bytes", config.max_message_bytes);
  table.insert("worker_stop_grace_seconds", config.worker_stop_grace_seconds);
  table.insert("worker_stalled_after_seconds", config.worker_stalled_after_seconds);
  table.insert("retention_checkpoint_days", config.retention_checkpoint_days);
  table.insert("retention_log_days", config.retention_log_days);
  table.insert("retention_max_gib", config.retention_max_gib);
  table.insert("retention_removes_models", config.retention_removes_models);
  table.insert("min_free_disk_mib", config.min_free_disk_mib);
  table.insert("log_level", config.log_level);
  table.insert("log_file", config.log_file.string());
  table.insert("reflection", config.reflection);
  table.insert("notify_states", ArrayOf(config.notify_states));
  table.insert("hook_program", config.hook_program.string());
  table.insert("hook_timeout_seconds", config.hook_timeout_seconds);
  table.insert("webhook_url", config.webhook_url);
  table.insert("webhook_timeout_seconds", config.webhook_timeout_seconds);
  table.insert("metrics_listen", config.metrics_listen);
  std::ostringstream text;
  // Strings in double quotes on one line each, whatever is in them: the other forms that toml++ may
  // choose (3.3) do not read back where a text holds their own quotes.
  text << toml::toml_formatter(table, toml::format_flags::allow_unicode_strings) << '\n';
  return text.str();
}

}  // namespace distill::server
