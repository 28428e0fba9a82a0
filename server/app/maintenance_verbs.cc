#include "server/app/maintenance_verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/clock.h"
#include "server/app/doctor.h"
#include "server/app/rebuild.h"
#include "server/app/state_owner.h"
#include "server/store/database_backup.h"
#include "server/store/database_rebuild.h"

namespace distill::server {
namespace {

int Report(const Status& status) {
  if (status.ok()) return 0;
  std::cerr << "distilld: " << status.message() << '\n';
  return 1;
}

void PrintFindings(const std::vector<Finding>& findings, bool is_json) {
  constexpr size_t kWidth = 14;
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"subject", finding.subject},
                    {"level", LevelName(finding.level)},
                    {"message", finding.message}});
    if (is_json) continue;
    const std::string level = LevelName(finding.level);
    std::cout << level << std::string(9 - level.size(), ' ') << finding.subject
              << std::string(kWidth - std::min(kWidth - 1, finding.subject.size()), ' ')
              << finding.message << '\n';
  }
  // What a file's name holds need not be UTF-8.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  if (is_json) {
    std::cout << nlohmann::json{{"findings", list}}.dump(2, ' ', false, kReplace) << '\n';
  }
}

int Doctor(const Config& config, bool is_json) {
  const std::vector<Finding> findings = Examine(config, SystemClock());
  PrintFindings(findings, is_json);
  const bool has_error = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.level == Finding::Level::kError;
  });
  return has_error ? 1 : 0;
}

int Rebuild(const Config& config, bool is_all) {
  const Status found = CheckStateFolder(config.state_dir);
  if (!found.ok()) return Report(found.WithContext("rebuild"));
  const auto report = RebuildDatabases(config.state_dir, is_all, SystemClock().UnixMillis());
  if (!report.ok()) return Report(report.status().WithContext("rebuild"));
  if (!report->has_new_metrics) {
    std::cout << "both databases are whole; --all rebuilds them all the same\n";
    return 0;
  }
  const auto journals = ReadJournalsAgain(config.state_dir, SystemClock());
  if (!journals.ok()) return Report(journals.status().WithContext("read the journals"));
  if (report->has_new_control) {
    std::cout << "jobs: " << report->num_jobs << "\ndata sets: " << report->num_datasets << '\n';
  }
  std::cout << "journals: " << journals->num_journals << ", events: " << journals->num_events
            << ", with a torn or damaged end: " << journals->num_damaged << '\n';
  for (const std::string& table : report->copied_tables) {
    std::cout << "copied from the damaged database: " << table << '\n';
  }
  for (const std::string& loss : report->losses) std::cout << "lost: " << loss << '\n';
  std::cout << "the replaced files: " << report->old_files.string() << '\n';
  return 0;
}

}  // namespace

AdminVerb BackupVerb() {
  return {"backup", "copy both databases, verified, while the daemon may run",
          [](CLI::App& parser) -> AdminVerb::Run {
            auto target = std::make_shared<std::string>();
            parser
                .add_option("folder", *target,
                            "where to; an earlier backup there is replaced once the new one is "
                            "verified")
                ->required()
                ->type_name("FOLDER");
            return [target](const Config& config) {
              std::error_code error;
              const auto folder = std::filesystem::absolute(*target, error).lexically_normal();
              const Status status = BackUpDatabases(config.state_dir, folder);
              if (status.ok()) std::cout << folder.string() << '\n';
              return Report(status.WithContext("backup"));
            };
          }};
}

AdminVerb DoctorVerb() {
  return {"doctor", "look at databases, disk, runs, processes and devices, and say what is wrong",
          [](CLI::App& parser) -> AdminVerb::Run {
            auto is_json = std::make_shared<bool>(false);
            parser.add_flag("--json", *is_json, "print JSON");
            return [is_json](const Config& config) { return Doctor(config, *is_json); };
          }};
}

AdminVerb RebuildVerb() {
  return {"rebuild", "make damaged databases again from the run folders (stop the daemon first)",
          [](CLI::App& parser) -> AdminVerb::Run {
            auto is_all = std::make_shared<bool>(false);
            parser.add_flag("--all", *is_all, "both databases, damaged or not");
            return [is_all](const Config& config) { return Rebuild(config, *is_all); };
          }};
}

}  // namespace distill::server
