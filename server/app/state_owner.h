#pragma once

#include <filesystem>

#include "core/base/status.h"

namespace distill::server {

/// Where root works on the state folder of another user, goes on as that user for good, so that no
/// file comes about that the daemon cannot open. Call before any thread starts. Nothing happens
/// where the folder does not exist yet. kPermissionDenied: neither root nor the owner.
Status BecomeOwnerOf(const std::filesystem::path& state_directory);

/// Returns the name of the account that this process runs as, or its number where it has no name.
std::string AccountName();

}  // namespace distill::server
