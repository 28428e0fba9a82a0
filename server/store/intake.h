#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "core/base/status.h"
#include "server/job/job.h"

namespace distill::server {

/// Records of jobs just submitted, until each has its own file, and what was deleted, until its
/// folder is gone.
inline constexpr char kIntakeFile[] = "intake.journal";

/// What the intake says of a job.
struct IntakeNote {
  enum class Kind {
    kRecord,    // it is new, or there still although its deletion had begun
    kDeleting,  // it is about to be deleted: the database knows whether it was
    kDeleted
  };
  JobId job = 0;
  Kind kind = Kind::kRecord;
  std::string record;  // "" = none
};
std::string WriteIntakeNote(const IntakeNote& note);
IntakeNote ReadIntakeNote(const std::string& payload);

/// Returns the newest note of each job in the intake of `state_directory`; a job that is about to
/// be deleted keeps its record. Ends before a damaged note; empty where there is no intake. Blocks
/// on disk.
std::map<JobId, IntakeNote> ReadIntake(const std::filesystem::path& state_directory);

/// Makes the intake anew, with nothing in it but that the jobs of `deleting` may have been deleted.
/// Blocks on disk. kResourceExhausted: the disk is full. After any failure the old one is
/// unchanged.
Status RenewIntake(const std::filesystem::path& state_directory, const std::set<JobId>& deleting);

}  // namespace distill::server
