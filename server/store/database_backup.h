#pragma once

#include <filesystem>
#include <string>

#include "core/base/status.h"

namespace distill::server {

/// Copies both databases of `state_directory` into `folder`, as control.db and metrics.db, while a
/// daemon may use them; control.db first, so that metrics.db never lags behind it. The copies are
/// read back (integrity, foreign keys) and durable before they take the place of an earlier backup
/// there, in one step; where the file system cannot exchange folders (NFS, SMB), the earlier one
/// waits in `folder`.being-replaced, and what a kill in that moment leaves is put right by the
/// next backup. Blocks on disk for as long as the copying takes.
/// kNotFound: there is no database. kDataLoss: a database, or its copy, is damaged.
/// kAlreadyExists: `folder` is something else than a backup. kResourceExhausted: the disk is full.
/// After any failure an earlier backup is unchanged.
Status BackUpDatabases(const std::filesystem::path& state_directory,
                       const std::filesystem::path& folder);

/// Returns one clause on the newest backup that was made of `state_directory` ("newest backup:
/// FOLDER of TIME"), or that none is known, or what a backup that was cut short left of it.
std::string NewestBackup(const std::filesystem::path& state_directory);

}  // namespace distill::server
