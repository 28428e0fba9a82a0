#include "server/app/maintenance_verbs.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "server/store/database_backup.h"

namespace distill::server {
namespace {

int Report(const Status& status) {
  if (status.ok()) return 0;
  std::cerr << "distilld: " << status.message() << '\n';
  return 1;
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

}  // namespace distill::server
