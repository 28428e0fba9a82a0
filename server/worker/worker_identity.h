#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace distill::server {

/// The account that workers run as.
struct WorkerIdentity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // supplementary: those of GPUs among them
};

/// Looks up the account `name`, where it is another one than this process runs as; nothing where it
/// is the same, or `name` is empty. kFailedPrecondition: there is no such account, or only root
/// could start processes of it; the message says what to do.
Result<std::optional<WorkerIdentity>> FindWorkerIdentity(const std::string& name);

/// Makes a folder and the files in it (not those of its subfolders) the worker's own. Links, and
/// what is not ours, stay as they are. Blocks on disk.
Status GiveFolderTo(const WorkerIdentity& identity, const std::filesystem::path& folder);

/// Lets every account pass through the folders from `state_directory` down to `folder`, but not
/// list them; the files in them are their owner's only. Blocks on disk.
Status OpenWayTo(const std::filesystem::path& folder, const std::filesystem::path& state_directory);

/// Lets the calling thread, and what it starts, create nothing that others may open; with
/// `identity` it goes on as that account. For a thread that ends after it has started one process:
/// there is no way back. Other threads are not touched. kPermissionDenied: the account cannot be
/// had.
Status BecomeWorkerThread(const std::optional<WorkerIdentity>& identity);

}  // namespace distill::server
